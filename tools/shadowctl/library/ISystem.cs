using System;
using System.Collections.Generic;

namespace Hv.ShadowControl;

/// <summary>What shadowctl needs of the operating system.</summary>
public interface ISystem
{
    /// <summary>Time since the system was booted; not stepped.</summary>
    TimeSpan Uptime { get; }

    /// <summary>The time of day (UTC). Setting it steps the clock.</summary>
    DateTimeOffset Clock { get; set; }

    /// <summary>The time of day (UTC) in the hardware clock, in whole seconds; null if there is none, or if it holds local time.</summary>
    DateTimeOffset? HardwareClock { get; }

    /// <summary>Disks and file systems.</summary>
    IStorage Storage { get; }

    /// <summary>Opens the controller that is Hv's.</summary>
    /// <exception cref="ControlException">There is none, or the user may not.</exception>
    IAdminPort OpenPort();

    /// <summary>Opens the disk that Hv owns.</summary>
    /// <exception cref="ControlException">There is none, or the user may not.</exception>
    IDisk OpenDisk();

    /// <summary>Writes all changed file data to the disk.</summary>
    void Sync();

    /// <summary>
    /// Reboots the system in an orderly way, by <paramref name="command"/> or, if that is empty, as this system usually does it. Returns only where
    /// there is no real system.
    /// </summary>
    /// <exception cref="ControlException">The command failed.</exception>
    void Reboot(string command);

    /// <summary>The aliases (modalias) of the devices that have drivers.</summary>
    IReadOnlyList<string> DriverAliases();

    /// <summary>Loads the drivers for devices with these aliases, as far as there are any.</summary>
    void LoadDrivers(IReadOnlyList<string> aliases);

    /// <summary>The units of the service manager.</summary>
    UnitCatalog Units { get; }

    /// <summary>Has the kernel look for new PCI devices.</summary>
    void RescanPci();

    /// <summary>The network cards on PCI, by address, with the names of their interfaces; no name as long as a card has no driver.</summary>
    IReadOnlyDictionary<string, string?> NetworkCards();

    /// <summary>The units without which the administrator does not want a shadow to be switched to.</summary>
    /// <exception cref="ControlException">The configuration cannot be read, or is wrong.</exception>
    IReadOnlyList<string> CriticalUnits { get; }

    /// <summary>Whether <see cref="RescanPci"/> is wanted after a switch.</summary>
    /// <exception cref="ControlException">The configuration cannot be read, or is wrong.</exception>
    bool RescansPci { get; }

    /// <summary>
    /// The units that the service manager is starting or stopping at the moment: those whose turn it is. None if there is no systemd, null if it does
    /// not answer.
    /// </summary>
    IReadOnlyList<string>? RunningJobs();

    /// <summary>The units that the service manager lists as failed; none if there is no systemd, null if it does not answer.</summary>
    IReadOnlyList<string>? FailedUnits();

    /// <summary>Waits.</summary>
    void Sleep(TimeSpan time);
}
