namespace Hv.ShadowControl;

/// <summary>A systemd generator (systemd.generator(7)) for shadows: lets wait for the switch what needs what a shadow does not have, and the boot not wait for it.</summary>
public sealed class ShadowGenerator(ISystem system)
{
    private const string Ready = "shadowctl-ready.service";

    /// <summary>Writes units to the folder that comes before all others.</summary>
    public void Generate(string early)
    {
        DataPlan plan = DataPlan.Load(system.Storage);
        var units = new GeneratedUnits(early);
        bool mountsWait = new MountGenerator().Generate(units, plan);
        bool servicesWait = new NetworkGenerator(system).Generate(units, plan.Configuration);
        if (!mountsWait && !servicesWait)
            return;
        // Services that need what waits for the switch wait, too, and multi-user.target with them: so the boot is over when only such jobs are left.
        units.Write(Ready, """
            [Unit]
            Description=Tell Hv that this shadow is up, and finish a shadow reboot
            After=basic.target

            [Service]
            Type=exec
            ExecStart=shadowctl ready --finish --when-idle
            TimeoutStopSec=10

            """);
    }
}
