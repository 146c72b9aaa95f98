using System;
using System.Collections.Generic;
using System.Linq;
using Hv.ShadowControl;

namespace Hv.HostTests.Shadowctl;

/// <summary>An operating system in which time passes only by waiting.</summary>
internal sealed class FakeSystem : ISystem
{
    private static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, 250, TimeSpan.Zero);
    private TimeSpan _clockError;

    public FakeSystem()
    {
        Hypervisor = new FakeHypervisor(this);
        Disks = new FakeStorage(Calls);
    }

    public FakeStorage Disks { get; }

    IStorage ISystem.Storage => Disks;

    public FakeHypervisor Hypervisor { get; }
    public ControlException? OpenProblem { get; set; }
    public List<string> Calls { get; } = [];
    public TimeSpan Uptime { get; set; } = TimeSpan.FromSeconds(100);
    public bool HasHardwareClock { get; set; } = true;

    /// <summary>How far the clock is ahead of the truth.</summary>
    public TimeSpan ClockError { get => _clockError; init => _clockError = value; }

    /// <summary>The time of a network card's interface after the rescan; a card that never gets one: null.</summary>
    public Dictionary<string, TimeSpan?> Cards { get; } = [];

    public DateTimeOffset TrueTime => Start + Uptime;

    public DateTimeOffset Clock
    {
        get => TrueTime + _clockError;
        set
        {
            Calls.Add("set clock");
            _clockError = value - TrueTime;
        }
    }

    public TimeSpan CurrentClockError => _clockError;

    public DateTimeOffset? HardwareClock => HasHardwareClock ? DateTimeOffset.FromUnixTimeSeconds(TrueTime.ToUnixTimeSeconds()) : null;

    private TimeSpan? Rescanned { get; set; }

    public IAdminPort OpenPort() => OpenProblem == null ? Hypervisor : throw OpenProblem;

    public IDisk? Disk { get; set; }

    public IDisk OpenDisk() => Disk ?? throw new ControlException(ExitCode.NoHypervisor, "This system does not run under Hv.");

    public void Sync() => Calls.Add("sync");

    public void Reboot(string command)
    {
        Calls.Add(command.Length == 0 ? "reboot" : "reboot by " + command);
        if (RebootProblem.Length != 0)
            throw new ControlException(ExitCode.Failed, RebootProblem);
    }

    /// <summary>Why this system cannot be rebooted; empty if it can.</summary>
    public string RebootProblem { get; set; } = "";

    public List<string> Aliases { get; } = [];

    public IReadOnlyList<string> DriverAliases() => Aliases;

    public void LoadDrivers(IReadOnlyList<string> aliases)
    {
        if (aliases.Count != 0)
            Calls.Add("load " + string.Join(' ', aliases));
    }

    /// <summary>Where unit files are looked for.</summary>
    public string UnitRoot { get; set; } = "/nowhere";

    public UnitCatalog Units => new(UnitRoot);

    public void RescanPci()
    {
        Calls.Add("rescan");
        Rescanned ??= Uptime;
    }

    public IReadOnlyDictionary<string, string?> NetworkCards()
    {
        var cards = new Dictionary<string, string?>();
        foreach (KeyValuePair<string, TimeSpan?> card in Cards)
        {
            if (Rescanned is { } at)
                cards.Add(card.Key, card.Value is { } delay && Uptime >= at + delay ? "eth" + cards.Count : null);
        }
        return cards;
    }

    private IReadOnlyList<string>? _criticalUnits;

    /// <summary>What the configuration says unless it is set.</summary>
    public bool RescansPci => ConfigurationParser.Load(Disks).RescansPci;

    public IReadOnlyList<string> CriticalUnits { get => _criticalUnits ?? ConfigurationParser.Load(Disks).FailedUnits; set => _criticalUnits = value; }

    /// <summary>The units that fail, and when.</summary>
    public List<(TimeSpan At, string Unit)> Failing { get; } = [];

    /// <summary>What runs at a moment.</summary>
    public Func<TimeSpan, string[]> Jobs { get; set; } = _ => [];

    public bool ServiceManagerAnswers { get; set; } = true;

    public IReadOnlyList<string>? RunningJobs() => ServiceManagerAnswers ? Jobs(Uptime) : null;

    public IReadOnlyList<string>? FailedUnits() => !ServiceManagerAnswers ? null : [.. Failing.Where(unit => unit.At <= Uptime).Select(unit => unit.Unit)];

    public void Sleep(TimeSpan time) => Uptime += time;
}
