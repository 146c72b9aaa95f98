using System.Collections.Generic;

namespace Hv.ShadowControl;

/// <summary>What /etc/shadowreboot.conf says (docs/shadowreboot.conf.md).</summary>
public sealed class Configuration
{
    /// <summary>Where it is.</summary>
    public const string DefaultPath = "/etc/shadowreboot.conf";

    /// <summary>The directories whose new files are carried over if the configuration does not say.</summary>
    public static readonly IReadOnlyList<string> DefaultDirectories = ["/home", "/root"];

    /// <summary>The units that wait for the network if the configuration does not say: those of systemd-networkd, NetworkManager, ifupdown and ConnMan.</summary>
    public static readonly IReadOnlyList<string> DefaultNetworkWaits =
        ["systemd-networkd-wait-online.service", "systemd-networkd-wait-online@.service", "NetworkManager-wait-online.service", "ifupdown-wait-online.service", "connman-wait-online.service"];

    /// <summary>The units that set up the network cards that are there, once, if the configuration does not say: that of ifupdown.</summary>
    public static readonly IReadOnlyList<string> DefaultNetworkSkips = ["networking.service"];

    /// <summary>The rules about partitions, in the order of their lines. Partitions without a rule are system.</summary>
    public IReadOnlyList<PartitionRule> Partitions { get; init; } = [];

    /// <summary>The directories whose new files are carried over.</summary>
    public IReadOnlyList<string> CarriedDirectories { get; init; } = DefaultDirectories;

    /// <summary>Units of the service manager that must not have failed in a shadow.</summary>
    public IReadOnlyList<string> FailedUnits { get; init; } = [];

    /// <summary>Units that are started after the switch only, when the network cards are there; what is ordered after them waits, too.</summary>
    public IReadOnlyList<string> NetworkWaits { get; init; } = DefaultNetworkWaits;

    /// <summary>Units that are skipped in a shadow, and started when the network cards are there; nothing waits for them.</summary>
    public IReadOnlyList<string> NetworkSkips { get; init; } = DefaultNetworkSkips;
    /// <summary>Whether <c>shadowctl finish</c> has the kernel look for PCI devices after a switch; else Hv tells the kernel by ACPI.</summary>
    public bool RescansPci { get; init; } = true;
}
