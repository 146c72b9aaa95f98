using System;
using System.IO;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>The primary's side of a shadow reboot.</summary>
public sealed class ShadowReboot(ISystem system, ControlClient client, TextWriter log)
{
    private static readonly TimeSpan WaitSlice = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Starts a shadow with at least <paramref name="share"/> percent of the processors: a fork of this system, which is rebooted there by
    /// <paramref name="rebootCommand"/> (empty: as usual); or, if <paramref name="cold"/>, a machine that starts from the disk as it is now, after the
    /// file systems have been synced. False in the shadow: nothing more is to be done there.
    /// </summary>
    public bool Start(int share, bool cold, string rebootCommand)
    {
        if (cold)
        {
            log.WriteLine("[    0.0 s] syncing");
            system.Sync();
        }
        else
        {
            log.WriteLine("[    0.0 s] forking");
        }
        if (!client.Start(share, cold))
            return true;
        log.WriteLine("this is the shadow: rebooting");
        system.Reboot(rebootCommand);
        return false;
    }

    /// <summary>Waits until the shadow is ready; after <paramref name="limit"/> it is thrown away.</summary>
    /// <exception cref="ControlException">The shadow failed, there is none, or the time is over.</exception>
    public void WaitUntilReady(TimeSpan limit)
    {
        var progress = new Progress(log);
        TimeSpan end = system.Uptime + limit;
        StatusBlock status = client.Status();
        while (true)
        {
            progress.Show(in status, system.Uptime);
            switch (status.Phase)
            {
                case ControlPhase.Ready:
                    return;
                case ControlPhase.Failed:
                    throw new ControlException(ExitCode.Failed, new StatusView(in status).Explanation);
                case ControlPhase.Idle:
                    throw new ControlException(ExitCode.Failed, "There is no shadow to wait for.");
                case ControlPhase.Settling:
                    throw new ControlException(ExitCode.Failed, "The machine is settling after a switch; there is no shadow.");
            }
            TimeSpan left = end - system.Uptime;
            if (left <= TimeSpan.Zero)
            {
                GiveUp();
                throw new ControlException(ExitCode.TimedOut, $"The shadow was not ready within {limit.TotalSeconds:0} s and was thrown away.");
            }
            status = client.WaitChange(status.Sequence, left < WaitSlice ? left : WaitSlice);
        }
    }

    /// <summary>Syncs the file systems and switches. Returns only in the system that was left, and only if something is odd.</summary>
    public void Switch()
    {
        system.Sync();
        log.WriteLine("switching");
        client.Switch();
    }

    // The shadow may have come to an end by itself in the meantime.
    private void GiveUp()
    {
        try
        {
            client.Abort();
        }
        catch (ControlException problem)
        {
            log.WriteLine(problem.Message);
        }
    }
}
