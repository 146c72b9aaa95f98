using System.Threading;

namespace Hv.Kernel.Processor;

/// <summary>Starts another processor, as the bootstrap processor does (Intel SDM vol. 3A, 9.4.4.1; AMD APM vol. 2, 16.5).</summary>
public static unsafe class StartUpSequence
{
    // In microseconds.
    private const ulong AfterInit = 10_000, AfterStartUp = 200, Second = 1_000_000;

    // An emulator's processor may be kept from running for a while.
    private const ulong Patience = 3 * Second;

    // In xAPIC mode a command has eight bits for the destination, and all ones are a broadcast.
    private const uint LastXapicId = InterruptCommand.XapicBroadcast - 1;

    /// <summary>
    /// Starts the processor with this APIC ID in real mode at <paramref name="vector"/> times 4 KiB, and waits until it has set <paramref name="hasArrived"/>. False: it has not, and
    /// waits for another start-up message now, or cannot be addressed. With interrupts off.
    /// </summary>
    public static bool TryStart(uint apicId, byte vector, ref int hasArrived, ulong tscFrequency)
    {
        if (!LocalApicAccess.IsX2Apic && apicId > LastXapicId)
            return false;
        ulong ticksPerMicrosecond = tscFrequency / Second;
        LocalApicAccess.Send(apicId, InterruptCommand.Init);
        Wait(AfterInit * ticksPerMicrosecond);
        LocalApicAccess.Send(apicId, InterruptCommand.StartUp(vector));
        Wait(AfterStartUp * ticksPerMicrosecond);
        // One that runs already does not follow it.
        LocalApicAccess.Send(apicId, InterruptCommand.StartUp(vector));
        if (Wait(ref hasArrived, 1, Patience * ticksPerMicrosecond))
            return true;
        // It must not come later, when its stack may be another one's.
        LocalApicAccess.Send(apicId, InterruptCommand.Init);
        Wait(AfterInit * ticksPerMicrosecond);
        return false;
    }

    /// <summary>Waits until <paramref name="value"/> is <paramref name="wanted"/>. False: it has not become so within <paramref name="ticks"/> of the TSC.</summary>
    public static bool Wait(ref int value, int wanted, ulong ticks)
    {
        ulong began = Stubs.ReadTsc();
        while (Volatile.Read(in value) != wanted)
        {
            if (Stubs.ReadTsc() - began >= ticks)
                return false;
            Stubs.Pause();
        }
        return true;
    }

    private static void Wait(ulong ticks)
    {
        ulong began = Stubs.ReadTsc();
        while (Stubs.ReadTsc() - began < ticks)
            Stubs.Pause();
    }
}
