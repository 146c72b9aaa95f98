namespace Hv.ShadowControl;

/// <summary>
/// What a systemd generator does about the network in a shadow, which has no network cards: units that wait for the network begin to wait after the switch,
/// and what cannot wait is skipped and started then.
/// </summary>
public sealed class NetworkGenerator(ISystem system)
{
    /// <summary>The unit that ends when the system has been promoted and has its network cards.</summary>
    public const string Gate = "shadowctl-network.service";

    private const string Target = "shadowctl-network.target", Mark = "/run/shadowctl/network", DropIn = "50-shadowctl.conf";

    /// <summary>
    /// Writes the units. True if something that the boot wants waits for the switch. What is wrong with the configuration is for <c>shadowctl check</c> to say.
    /// </summary>
    public bool Generate(GeneratedUnits units, Configuration configuration)
    {
        bool waits = false, skips = false;
        foreach (string unit in configuration.NetworkWaits)
        {
            if (!system.Units.IsInstalled(unit) && (UnitCatalog.TemplateOf(unit) is not { } template || !system.Units.IsInstalled(template)))
                continue;
            waits |= system.Units.IsEnabled(unit);
            units.Write($"{unit}.d/{DropIn}", $"""
                # In a shadow: network cards come with the switch ("wait-for-network" in {Configuration.DefaultPath}).
                [Unit]
                Wants={Gate}
                After={Gate}

                """);
        }
        foreach (string unit in configuration.NetworkSkips)
        {
            if (!system.Units.IsInstalled(unit))
                continue;
            skips = true;
            units.Write($"{unit}.d/{DropIn}", $"""
                # In a shadow: skipped until the network cards are there ("skip-until-network" in {Configuration.DefaultPath}).
                [Unit]
                ConditionPathExists={Mark}

                """);
            units.Want(Target, unit);
        }
        if (skips)
            units.Want("sysinit.target", Gate);
        return waits;
    }
}
