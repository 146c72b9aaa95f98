namespace Hv.Bench;

/// <summary>The machines that Hv can be tried on.</summary>
public enum BenchKind
{
    /// <summary>QEMU's own emulation of AMD-V with nested paging.</summary>
    QemuSvm,

    /// <summary>Bochs' emulation of VT-x with EPT.</summary>
    BochsVmx,

    /// <summary>QEMU with KVM and nested VMX or SVM.</summary>
    Kvm,
}
