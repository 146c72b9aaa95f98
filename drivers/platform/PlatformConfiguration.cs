using Hv.Kernel.Processor;

namespace Hv.Drivers.Platform;

/// <summary>What a virtual machine's platform devices are like, found out once from the real machine (ACPI tables, CPUID, measurement).</summary>
public sealed class PlatformConfiguration
{
    /// <summary>How many processors a virtual machine can have.</summary>
    public const int MaxProcessors = ProcessorGroup.Maximum;

    /// <summary>The APIC ID of each processor, the bootstrap processor's first; <see cref="MaxProcessors"/> at most.</summary>
    public uint[] ApicIds = [0];
    /// <summary>What the local APIC timer counts before it is divided, Hz.</summary>
    public ulong ApicBusHertz;
    /// <summary>The TSC, Hz.</summary>
    public ulong TscHertz;
    /// <summary>Whether CPUID tells the guest of x2APIC mode.</summary>
    public bool HasX2Apic;
    /// <summary>Whether CPUID tells the guest of the timer's TSC deadline mode.</summary>
    public bool HasTscDeadline;
    /// <summary>Guest-physical address of the I/O APIC (MADT).</summary>
    public ulong IoApicAddress;
    /// <summary>Guest-physical address of the HPET (HPET table); 0 if there is none.</summary>
    public ulong HpetAddress;
    /// <summary>Guest-physical address of the enhanced configuration mechanism for bus 0 (MCFG); 0 if there is none.</summary>
    public ulong EcamAddress;
    /// <summary>How many buses it covers, from bus 0.</summary>
    public int EcamBuses;
    /// <summary>The fixed ACPI hardware (FADT).</summary>
    public AcpiConfiguration Acpi;

    /// <summary>The bootstrap processor's APIC ID.</summary>
    public uint ApicId => ApicIds[0];

    /// <summary>The usual addresses of a PC.</summary>
    public const ulong UsualIoApicAddress = 0xFEC0_0000, UsualHpetAddress = 0xFED0_0000;
}
