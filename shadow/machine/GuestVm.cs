using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Shadow.Machine;

/// <summary>A VM of Hv: first the primary, with the machine's own devices; or a shadow.</summary>
public sealed unsafe class GuestVm : Vm
{
    private readonly IdentityMap _identity;
    private readonly PageTable _nested;
    private readonly PhysicalMemory _memory;
    private readonly PortDevice _ports;

    /// <summary>The processor.</summary>
    public Vcpu Vcpu = null!;

    /// <summary>Makes the primary over a nested table that is filled already.</summary>
    public GuestVm(IdentityMap identity, PageTable nested, PortDevice ports)
    {
        _identity = identity;
        _nested = nested;
        _ports = ports;
        _memory = new PhysicalMemory(nested);
    }

    /// <summary>The nested page table.</summary>
    public PageTable Nested => _nested;

    /// <inheritdoc/>
    public override GuestMemory Memory => _memory;

    /// <inheritdoc/>
    public override PortDevice Ports => _ports;

    /// <inheritdoc/>
    public override MmioDevice? FindMmio(GuestPhysical address, out ulong offset)
    {
        offset = 0;
        return null;
    }

    /// <inheritdoc/>
    public override bool MendFault(GuestPhysical address, bool isWrite) => _identity.MapAround(_nested, address) == Status.Ok;

    /// <inheritdoc/>
    public override Result<ulong> ReadMsr(uint index)
    {
        switch (index)
        {
            case Msr.FeatureControl:
                return Msr.FeatureControlLock;
            case Msr.VmCr:
                return Msr.VmCrSvmDisable;
            case Msr.VmHsavePa:
            case >= Msr.VmxBasic and <= Msr.VmxLast:
                return Status.Unsupported;
            default:
                return Msr.TryRead(index);
        }
    }

    /// <inheritdoc/>
    public override Status WriteMsr(uint index, ulong value)
    {
        switch (index)
        {
            case Msr.FeatureControl:
            case Msr.VmCr:
            case Msr.VmHsavePa:
            case >= Msr.VmxBasic and <= Msr.VmxLast:
                return Status.Unsupported;
            default:
                return Msr.Write(index, value);
        }
    }

    /// <inheritdoc/>
    public override bool Hypercall(ulong number, ulong first, ulong second, ulong third, out ulong result)
    {
        result = 0;
        return false;
    }

    /// <inheritdoc/>
    public override void TripleFault()
    {
        Panic.Stop("the guest's processor shut down (triple fault)");
    }

    /// <inheritdoc/>
    public override void AfterExit()
    {
    }
}
