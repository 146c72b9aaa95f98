namespace Hv.EmulatorTests;

/// <summary>Looks whether a copy of the system on several processors has memory of its own from the start. The guest's program "apart" says so.</summary>
internal static class MemoryApart
{
    /// <summary>What it prints for memory that is shared.</summary>
    public const string Wrong = "apart: WRONG";

    private const int Share = 50, Seconds = 120;

    /// <summary>Forks the system, and aborts the copy when it has shut down. What the copy's console has shown until then, with what "apart" has printed there.</summary>
    public static string Fork(MachineFixture machine)
    {
        machine.Run($"(apart >/dev/ttyS0 2>&1 &); sleep 1; shadowctl start --share {Share} --timeout {Seconds}");
        // The copy terminates its processes when it shuts down.
        string log = machine.Run($"i=0; until shadowctl log | grep -a 'apart: ende[d]' || [ $i -ge {Seconds} ]; do i=$((i+1)); sleep 1; done >/dev/null; shadowctl log", TimeSpan.FromSeconds(2 * Seconds) * machine.Patience);
        machine.Run("shadowctl abort; killall apart; while pidof apart >/dev/null; do sleep 1; done; sleep 1");
        return log;
    }
}
