namespace Hv.Drivers.Platform;

/// <summary>
/// The local APIC's registers (Intel SDM vol. 3A, 10.4.1 and 10.12.1.2), by number: at 16 times the number in the xAPIC page, at MSR 800h plus
/// the number in x2APIC mode.
/// </summary>
public static class ApicRegister
{
    /// <summary>Local APIC ID.</summary>
    public const int Id = 0x02;
    /// <summary>Version.</summary>
    public const int Version = 0x03;
    /// <summary>Task priority.</summary>
    public const int TaskPriority = 0x08;
    /// <summary>Arbitration priority (xAPIC only).</summary>
    public const int ArbitrationPriority = 0x09;
    /// <summary>Processor priority.</summary>
    public const int ProcessorPriority = 0x0A;
    /// <summary>End of interrupt.</summary>
    public const int Eoi = 0x0B;
    /// <summary>Logical destination.</summary>
    public const int LogicalDestination = 0x0D;
    /// <summary>Destination format (xAPIC only).</summary>
    public const int DestinationFormat = 0x0E;
    /// <summary>Spurious interrupt vector.</summary>
    public const int Spurious = 0x0F;
    /// <summary>In-service, the first of eight.</summary>
    public const int InService = 0x10;
    /// <summary>Trigger mode, the first of eight.</summary>
    public const int TriggerMode = 0x18;
    /// <summary>Interrupt request, the first of eight.</summary>
    public const int Request = 0x20;
    /// <summary>Error status.</summary>
    public const int ErrorStatus = 0x28;
    /// <summary>LVT of corrected machine checks.</summary>
    public const int LvtCmci = 0x2F;
    /// <summary>Interrupt command; all 64 bits in x2APIC mode.</summary>
    public const int Command = 0x30;
    /// <summary>Interrupt command, upper half (xAPIC only).</summary>
    public const int CommandHigh = 0x31;
    /// <summary>LVT of the timer.</summary>
    public const int LvtTimer = 0x32;
    /// <summary>LVT of the thermal sensor.</summary>
    public const int LvtThermal = 0x33;
    /// <summary>LVT of the performance counters.</summary>
    public const int LvtPerformance = 0x34;
    /// <summary>LVT of the pin LINT0, which the 8259 drives.</summary>
    public const int LvtLint0 = 0x35;
    /// <summary>LVT of the pin LINT1, NMI.</summary>
    public const int LvtLint1 = 0x36;
    /// <summary>LVT of APIC errors.</summary>
    public const int LvtError = 0x37;
    /// <summary>Timer: initial count.</summary>
    public const int InitialCount = 0x38;
    /// <summary>Timer: current count.</summary>
    public const int CurrentCount = 0x39;
    /// <summary>Timer: divide configuration.</summary>
    public const int DivideConfiguration = 0x3E;
    /// <summary>Self IPI (x2APIC only).</summary>
    public const int SelfIpi = 0x3F;

    /// <summary>MSR IA32_APIC_BASE.</summary>
    public const uint MsrApicBase = 0x1B;
    /// <summary>MSR IA32_TSC_DEADLINE.</summary>
    public const uint MsrTscDeadline = 0x6E0;
    /// <summary>The MSR of register number 0 in x2APIC mode.</summary>
    public const uint MsrX2Apic = 0x800;
    /// <summary>The last MSR of the x2APIC range.</summary>
    public const uint MsrX2ApicLast = 0x8FF;

    /// <summary>IA32_APIC_BASE: this is the bootstrap processor.</summary>
    public const ulong BaseBootstrap = 1ul << 8;
    /// <summary>IA32_APIC_BASE: x2APIC mode.</summary>
    public const ulong BaseExtended = 1ul << 10;
    /// <summary>IA32_APIC_BASE: the APIC is on.</summary>
    public const ulong BaseEnable = 1ul << 11;
    /// <summary>IA32_APIC_BASE: the page's address.</summary>
    public const ulong BaseAddress = 0x000F_FFFF_FFFF_F000;

    /// <summary>SVR: the APIC is enabled by software.</summary>
    public const uint SpuriousEnable = 1u << 8;
    /// <summary>LVT: masked.</summary>
    public const uint LvtMasked = 1u << 16;
    /// <summary>LVT and ICR: where the delivery mode is.</summary>
    public const uint DeliveryModeMask = 7u << 8;
    /// <summary>LVT of the timer: where the mode is (10.5.4).</summary>
    public const uint TimerModeMask = 3u << 17;
    /// <summary>LVT of the timer: one shot.</summary>
    public const uint TimerOneShot = 0;
    /// <summary>LVT of the timer: periodic.</summary>
    public const uint TimerPeriodic = 1u << 17;
    /// <summary>LVT of the timer: TSC deadline.</summary>
    public const uint TimerDeadline = 2u << 17;
    /// <summary>ICR: the message has not been accepted yet (xAPIC).</summary>
    public const uint CommandPending = 1u << 12;
    /// <summary>ICR: assert.</summary>
    public const uint CommandAssert = 1u << 14;
    /// <summary>ICR: the destination is a logical one.</summary>
    public const uint CommandLogical = 1u << 11;
    /// <summary>ICR: level-triggered.</summary>
    public const uint CommandLevel = 1u << 15;
    /// <summary>ICR: to this processor only.</summary>
    public const uint CommandToSelf = 1u << 18;
}
