using System.Collections.Generic;

namespace Hv.ShadowControl;

/// <summary>What /etc/shadowreboot.conf says (docs/shadowreboot.conf.md).</summary>
public sealed class Configuration
{
    /// <summary>Where it is.</summary>
    public const string DefaultPath = "/etc/shadowreboot.conf";

    /// <summary>The directories whose new files are carried over if the configuration does not say.</summary>
    public static readonly IReadOnlyList<string> DefaultDirectories = ["/home", "/root"];

    /// <summary>The rules about partitions, in the order of their lines. Partitions without a rule are system.</summary>
    public IReadOnlyList<PartitionRule> Partitions { get; init; } = [];

    /// <summary>The directories whose new files are carried over.</summary>
    public IReadOnlyList<string> CarriedDirectories { get; init; } = DefaultDirectories;

    /// <summary>Units of the service manager that must not have failed in a shadow.</summary>
    public IReadOnlyList<string> FailedUnits { get; init; } = [];

    /// <summary>Whether <c>shadowctl finish</c> has the kernel look for PCI devices after a switch; else Hv tells the kernel by ACPI.</summary>
    public bool RescansPci { get; init; } = true;
}
