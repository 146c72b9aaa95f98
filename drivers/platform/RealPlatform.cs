using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>The real machine's platform devices, as capture and commit see them.</summary>
/// <remarks>Every member acts on the processor this runs on; the local APIC page and the MSRs are that processor's own.</remarks>
public sealed class RealPlatform
{
    /// <summary>All I/O ports.</summary>
    public readonly PortDevice Ports;
    /// <summary>This processor's MSRs.</summary>
    public readonly RealMsrs Msrs;
    /// <summary>The local APIC's page (xAPIC mode), from offset 0.</summary>
    public readonly MmioDevice LocalApic;
    /// <summary>The I/O APIC's registers, from offset 0.</summary>
    public readonly MmioDevice IoApic;
    /// <summary>The HPET's registers, from offset 0; null if the machine has none.</summary>
    public readonly MmioDevice? Hpet;

    /// <summary>Names the parts.</summary>
    public RealPlatform(PortDevice ports, RealMsrs msrs, MmioDevice localApic, MmioDevice ioApic, MmioDevice? hpet)
    {
        Ports = ports;
        Msrs = msrs;
        LocalApic = localApic;
        IoApic = ioApic;
        Hpet = hpet;
    }
}
