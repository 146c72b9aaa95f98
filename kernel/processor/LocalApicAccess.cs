using System.Threading;

namespace Hv.Kernel.Processor;

/// <summary>The real local APIC of this processor, in whichever mode the guest has it (Intel SDM vol. 3A, chapter 11).</summary>
public static unsafe class LocalApicAccess
{
    /// <summary>Register numbers: the xAPIC offset divided by 16, the x2APIC MSR less 800h.</summary>
    public const uint Id = 0x02, Version = 0x03, TaskPriority = 0x08, Eoi = 0x0B, SpuriousVector = 0x0F, InService0 = 0x10,
        Request0 = 0x20, Command = 0x30, CommandHigh = 0x31, LvtTimer = 0x32, LvtLint0 = 0x35, InitialCount = 0x38,
        CurrentCount = 0x39, DivideConfiguration = 0x3E;

    /// <summary>LVT and ICR: fixed delivery mode, edge, to the vector in bits 7:0.</summary>
    public const uint LvtMasked = 1 << 16;
    /// <summary>LVT timer mode bits: one-shot, periodic, TSC deadline.</summary>
    public const uint TimerModeMask = 3 << 17, TimerOneShot = 0, TimerPeriodic = 1 << 17, TimerTscDeadline = 2 << 17;

    private const uint VectorRegisters = 8;
    private const uint DestinationSelf = 1 << 18, LevelAssert = 1 << 14, DeliveryPending = 1 << 12, DeliveryNmi = 4 << 8;
    private const ulong BaseMask = 0x000F_FFFF_FFFF_F000;

    /// <summary>Whether the APIC is in x2APIC mode now.</summary>
    public static bool IsX2Apic => (Msr.Read(Msr.ApicBase) & Msr.ApicBaseX2Apic) != 0;

    /// <summary>Reads register <paramref name="register"/> (32 bits).</summary>
    public static uint Read(uint register)
    {
        ulong apicBase = Msr.Read(Msr.ApicBase);
        if ((apicBase & Msr.ApicBaseX2Apic) != 0)
            return (uint)Msr.Read(Msr.X2ApicFirst + register);
        return Volatile.Read(ref *(uint*)((apicBase & BaseMask) + register * 16));
    }

    /// <summary>Writes register <paramref name="register"/> (32 bits).</summary>
    public static void Write(uint register, uint value)
    {
        ulong apicBase = Msr.Read(Msr.ApicBase);
        if ((apicBase & Msr.ApicBaseX2Apic) != 0)
            _ = Msr.Write(Msr.X2ApicFirst + register, value);
        else
            Volatile.Write(ref *(uint*)((apicBase & BaseMask) + register * 16), value);
    }

    /// <summary>Ends the interrupt in service.</summary>
    public static void EndOfInterrupt() => Write(Eoi, 0);

    /// <summary>Whether <paramref name="vector"/> is requested and not yet in service.</summary>
    public static bool IsRequested(byte vector) => (Read(Request0 + vector / 32u) >> (vector % 32) & 1) != 0;

    /// <summary>Whether any interrupt is requested and not yet in service.</summary>
    public static bool HasRequests => HasAny(Request0);

    /// <summary>Whether any interrupt is in service.</summary>
    public static bool HasInService => HasAny(InService0);

    /// <summary>Raises <paramref name="vector"/> (16 to 255) on this processor, as if a device had sent it.</summary>
    public static void SendToSelf(byte vector)
    {
        if (IsX2Apic)
        {
            const uint selfIpi = 0x3F;
            _ = Msr.Write(Msr.X2ApicFirst + selfIpi, vector);
            return;
        }
        Send(0, DestinationSelf | LevelAssert | vector);
    }

    /// <summary>Sends an NMI to the processor with this APIC ID.</summary>
    public static void SendNmi(uint apicId) => Send(apicId, LevelAssert | DeliveryNmi);

    /// <summary>
    /// Sends an interrupt command: <paramref name="destination"/> is an APIC ID or a logical one, as the low half <paramref name="command"/> says (Intel SDM vol. 3A, 11.6.1).
    /// </summary>
    public static void Send(uint destination, uint command)
    {
        if (IsX2Apic)
        {
            _ = Msr.Write(Msr.X2ApicFirst + Command, (ulong)destination << 32 | command);
            return;
        }
        // The guest may be between its two writes of the command register: its high half is put back.
        uint high = Read(CommandHigh);
        while ((Read(Command) & DeliveryPending) != 0)
            Stubs.Pause();
        Write(CommandHigh, destination << InterruptCommand.XapicDestinationShift);
        Write(Command, command);
        Write(CommandHigh, high);
    }

    private static bool HasAny(uint first)
    {
        uint vectors = 0;
        for (uint i = 0; i < VectorRegisters; i++)
            vectors |= Read(first + i);
        return vectors != 0;
    }
}
