using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>The shadow's side: reports readiness, and after the switch brings devices and clock up to date.</summary>
public sealed class Promotion(ISystem system, ControlClient client, TextWriter log)
{
    private const string Unknown = "The service manager does not say which units have failed.";
    private static readonly TimeSpan ReadySlice = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartupTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ClockPoll = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    // Asking the service manager takes time that the boot could use.
    private static readonly TimeSpan BusyPoll = TimeSpan.FromSeconds(3);

    // Base class 02h is a network controller (PCI Code and ID Assignment 1.11, 1.3).
    private const int NetworkClass = 0x02;
    private const string FirstDomain = "0000:";

    // Between two jobs there may be a moment without one.
    private const int IdlePolls = 3;

    private static readonly string[] OwnUnits = ["shadowctl-data.service", NetworkGenerator.Gate, "shadowctl-ready.service"];

    private bool _isIdle;

    /// <summary>
    /// Waits until the service manager has nothing to do but to wait for the switch (what needs a data partition is started only then), but no
    /// longer than <paramref name="limit"/>.
    /// </summary>
    public void WaitUntilIdle(TimeSpan limit)
    {
        TimeSpan start = system.Uptime;
        for (int idle = 0; idle < IdlePolls && system.Uptime - start < limit; system.Sleep(idle == 0 ? BusyPoll : Second))
        {
            IReadOnlyList<string>? jobs = system.RunningJobs();
            idle = jobs == null || jobs.Except(OwnUnits, StringComparer.Ordinal).Any() ? 0 : idle + 1;
            _isIdle = idle == IdlePolls;
        }
    }

    /// <summary>
    /// Reports that this system is up and waits until it is the machine's; true after a switch, false if this system was started in the
    /// ordinary way and has nothing to report.
    /// </summary>
    public bool ReportReady()
    {
        if (client.Status().Role == ControlRole.Primary)
        {
            log.WriteLine("not a shadow: nothing to do");
            return false;
        }
        CheckUnits();
        // The drivers of devices that come with the switch: loading them then would keep users waiting.
        system.LoadDrivers(system.Storage.NotedDrivers());
        bool findsDevices = FindsDevices();
        log.WriteLine("ready");
        while (!client.Ready(ReadySlice, findsDevices))
        {
        }
        log.WriteLine("promoted: this is the machine's system now");
        return true;
    }

    /// <summary>
    /// In a shadow: has Hv throw this system away. "emergency" and "rescue" name the modes of systemd; any other reason is a sentence for the user
    /// of the primary. Does nothing elsewhere.
    /// </summary>
    public void ReportFailure(string reason)
    {
        if (client.Status().Role != ControlRole.Shadow)
        {
            log.WriteLine("not a shadow: nothing to do");
            return;
        }
        switch (reason)
        {
            case "emergency":
                client.Fail(ControlFailure.EmergencyMode, "It is emergency mode.");
                break;
            case "rescue":
                client.Fail(ControlFailure.EmergencyMode, "It is rescue mode.");
                break;
            default:
                client.Fail(ControlFailure.Rejected, reason);
                break;
        }
    }

    // Whether all is well enough: failed units that nobody has named as critical are only told of.
    private void CheckUnits()
    {
        IReadOnlyList<string> critical = CriticalUnits();
        // Not until the whole boot is over: with data partitions it is not before the switch.
        if (critical.Count != 0 && !_isIdle)
            WaitUntilIdle(StartupTime);
        IReadOnlyList<string>? failed = system.FailedUnits();
        if (failed is { Count: 0 })
            return;
        log.WriteLine(failed == null ? Unknown : "failed units: " + string.Join(", ", failed));
        if (failed == null && critical.Count != 0)
            Reject(ControlFailure.Rejected, Unknown);
        string[] fatal = (failed ?? []).Where(critical.Contains).ToArray();
        if (fatal.Length != 0)
            Reject(ControlFailure.FailedUnit, "Failed: " + string.Join(", ", fatal) + ".");
    }

    // The primary would not have started this shadow with a wrong configuration: something has changed it since.
    private IReadOnlyList<string> CriticalUnits()
    {
        try
        {
            return system.CriticalUnits;
        }
        catch (ControlException problem)
        {
            log.WriteLine(problem.Message);
            Reject(ControlFailure.Rejected, "The shadow's configuration is wrong: " + problem.Message.Split('\n')[0]);
            return [];
        }
    }

    // With a wrong configuration the answer is the usual one.
    private bool FindsDevices()
    {
        try
        {
            return system.RescansPci;
        }
        catch (ControlException)
        {
            return true;
        }
    }

    private void Reject(ControlFailure failure, string message)
    {
        client.Fail(failure, message);
        throw new ControlException(ExitCode.Failed, "This shadow is thrown away. " + message);
    }

    /// <summary>Waits until this system is the machine's, and forgets what is cached of data partitions: from then on they may be mounted.</summary>
    public void AwaitData()
    {
        StatusBlock status = client.Status();
        bool wasShadow = status.Role == ControlRole.Shadow;
        while (status.Role == ControlRole.Shadow)
            status = client.WaitChange(status.Sequence, ReadySlice);
        if (!wasShadow)
            return;
        foreach (DiskPartition partition in DataPlan.Load(system.Storage).Data)
            system.Storage.ForgetCache(partition);
    }

    /// <summary>Waits until this system is the machine's, and then, no longer than <paramref name="limit"/>, for the interfaces of all network cards that had one before.</summary>
    /// <exception cref="ControlException">A card has none after that time.</exception>
    public void AwaitNetwork(TimeSpan limit)
    {
        StatusBlock status = client.Status();
        if (status.Role == ControlRole.Primary)
            return;
        while (status.Role == ControlRole.Shadow)
            status = client.WaitChange(status.Sequence, ReadySlice);
        IReadOnlyList<string>? noted = system.Storage.NotedNetworkCards();
        var addresses = new List<string>();
        for (int i = 0; i < new StatusView(in status).QuiesceCount; i++)
        {
            QuiesceRecord record = status.ReadQuiesce(i);
            string address = FirstDomain + Names.PciAddress(record.Address);
            if (record.Class >> 8 == NetworkClass && IsExpected(noted, address))
                addresses.Add(address);
        }
        for (TimeSpan end = system.Uptime + limit; ; system.Sleep(Poll))
        {
            IReadOnlyDictionary<string, string?> cards = system.NetworkCards();
            string[] missing = addresses.Where(address => cards.GetValueOrDefault(address) == null).ToArray();
            if (missing.Length == 0)
                return;
            if (system.Uptime >= end)
                throw new ControlException(ExitCode.TimedOut, $"No network interface of {string.Join(", ", missing)} within {limit.TotalSeconds:0} s.");
        }
    }

    /// <summary>Has the devices found, steps the clock, carries files over, and waits for the network interfaces.</summary>
    /// <param name="limit">How long to wait for devices and interfaces.</param>
    /// <exception cref="ControlException">Something is missing after that time; the rest has been done.</exception>
    public void Finish(TimeSpan limit)
    {
        TimeSpan end = system.Uptime + limit;
        // By the clock by which this system has stamped its files until now.
        DateTimeOffset booted = system.Clock - system.Uptime;
        // First, because nothing takes longer than what comes of it: screen, keyboard and network wait for it.
        StatusBlock status = client.Status();
        while (status.Phase == ControlPhase.Switching && system.Uptime < end)
            status = client.WaitChange(status.Sequence, Smaller(end - system.Uptime, ReadySlice));
        if (FindsDevices())
        {
            log.WriteLine("looking for PCI devices");
            system.RescanPci();
        }
        SetClock();
        ControlException? carryProblem = null;
        try
        {
            _ = new LastViewCarrier(system, client, log).Carry(booted);
        }
        catch (ControlException problem)
        {
            carryProblem = problem;
            log.WriteLine(problem.Message);
        }
        IReadOnlyList<string>? noted = system.Storage.NotedNetworkCards();
        IReadOnlyDictionary<string, string?> cards = system.NetworkCards();
        while (IsAnyMissing(noted, cards) && system.Uptime < end)
        {
            system.Sleep(Poll);
            cards = system.NetworkCards();
        }
        foreach (KeyValuePair<string, string?> card in cards)
            log.WriteLine($"network card {card.Key}: {card.Value ?? "no interface"}");
        if (status.Phase == ControlPhase.Switching)
            throw new ControlException(ExitCode.TimedOut, $"The devices were not back within {limit.TotalSeconds:0} s.");
        if (IsAnyMissing(noted, cards))
            throw new ControlException(ExitCode.TimedOut, $"A network card had no interface within {limit.TotalSeconds:0} s.");
        if (carryProblem != null)
            throw carryProblem;
    }

    // A card that had no interface in the system before, for lack of a driver or of firmware, gets none now.
    private static bool IsExpected(IReadOnlyList<string>? noted, string address) => noted?.Contains(address) ?? true;

    private static bool IsAnyMissing(IReadOnlyList<string>? noted, IReadOnlyDictionary<string, string?> cards) =>
        cards.Any(card => card.Value == null && IsExpected(noted, card.Key));

    // The hardware clock shows whole seconds: the true time is up to one second later than it says.
    private void SetClock()
    {
        if (system.HardwareClock is not { } hardware)
            return;
        TimeSpan ahead = system.Clock - hardware;
        if (ahead >= -ClockTolerance && ahead <= Second + ClockTolerance)
            return;
        TimeSpan end = system.Uptime + 2 * Second;
        DateTimeOffset ticked = hardware;
        while (ticked == hardware && system.Uptime < end)
        {
            system.Sleep(ClockPoll);
            ticked = system.HardwareClock ?? hardware;
        }
        TimeSpan step = ticked - system.Clock;
        system.Clock = ticked;
        log.WriteLine(FormattableString.Invariant($"clock stepped by {step.TotalSeconds:F3} s"));
    }

    private static TimeSpan Smaller(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
