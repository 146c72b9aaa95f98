using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>
/// Measures how long a guest is away during a reboot of either kind: from its last heartbeat until the new system's console shows
/// its greeting and answers a key, and until the new system answers on the network.
/// </summary>
public sealed class DowntimeProbe(Guest guest)
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300), KeyInterval = TimeSpan.FromMilliseconds(100), NetworkTimeout = TimeSpan.FromMilliseconds(500);

    private readonly Emulator emulator = guest.Emulator;

    /// <summary>Runs a command that reboots the guest in the background of the running system and measures.</summary>
    /// <remarks>Keys are typed as soon as the heartbeat stops, until the console answers one with its greeting.</remarks>
    public Downtime MeasureShadow(string command, TimeSpan timeout, CancellationToken cancel) => Measure(command, timeout, cancel, () =>
    {
        TimeSpan end = emulator.Clock.Elapsed + timeout;
        while (emulator.Clock.Elapsed < end && !emulator.HasExited)
        {
            if (emulator.Console.TryExpect($"(?<greeting>{guest.Greeting})|{guest.Prompt}", KeyInterval, out Match match, out TimeSpan time, cancel))
                return match.Groups["greeting"].Success ? time : throw emulator.Console.Failure($"'{command}' ended, but the system was not switched.");
            if (emulator.Clock.Elapsed - emulator.Console.Heartbeats[^1].Seen > Silence)
                emulator.Console.Send("\n");
        }
        throw emulator.Console.Failure($"The system did not come back within {timeout.TotalSeconds:F0} s of '{command}'.");
    });

    /// <summary>Runs a command that reboots the guest in the ordinary way and measures.</summary>
    /// <remarks>No key is typed before the greeting is there: firmware or boot loader might take it for a wish to stop.</remarks>
    public Downtime MeasureOrdinary(string command, TimeSpan timeout, CancellationToken cancel) => Measure(command, timeout, cancel, () =>
    {
        guest.WaitUntilUp(timeout, cancel);
        emulator.Console.Send("\n");
        return emulator.Console.Expect(guest.Greeting, TimeSpan.FromSeconds(60), cancel).Time;
    });

    private Downtime Measure(string command, TimeSpan timeout, CancellationToken cancel, Func<TimeSpan> waitForConsole)
    {
        NetworkAnswer? before = null;
        for (int tries = 0; tries < 60 && before is null; tries++)
            before = emulator.AskOverNetwork(TimeSpan.FromSeconds(1));
        if (before is null)
            throw new BenchException("The guest does not answer on the network before the reboot.");

        TimeSpan started = emulator.Clock.Elapsed;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task<NetworkAnswer?> network = Task.Run(() => WaitForOtherBoot(before, started + timeout, stop.Token), CancellationToken.None);
        guest.Begin(command);
        TimeSpan console;
        try
        {
            console = waitForConsole();
        }
        catch
        {
            stop.Cancel();
            throw;
        }
        Heartbeat[] beats = [.. emulator.Console.Heartbeats.Where(beat => beat.Seen >= started - TimeSpan.FromSeconds(1) && beat.Seen <= console)];
        network.Wait(cancel);
        return new Downtime(started, beats, console, network.Result);
    }

    private NetworkAnswer? WaitForOtherBoot(NetworkAnswer before, TimeSpan end, CancellationToken cancel)
    {
        while (emulator.Clock.Elapsed < end && !emulator.HasExited && !cancel.IsCancellationRequested)
        {
            if (emulator.AskOverNetwork(NetworkTimeout) is { } answer && answer.Boot != before.Boot)
                return answer;
            Thread.Sleep(50);
        }
        return null;
    }
}
