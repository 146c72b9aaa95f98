using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>The primary's side of a shadow reboot.</summary>
public sealed class ShadowReboot(ISystem system, ControlClient client, TextWriter log)
{
    private static readonly TimeSpan WaitSlice = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ReleasePoll = TimeSpan.FromMilliseconds(200);

    private const ulong TailBytes = 4096;
    private const int TailLines = 12;

    /// <summary>Refuses, before anything is started, what the switch would be refused for in the end.</summary>
    /// <exception cref="ControlException">There is no journal.</exception>
    public void RequireJournal()
    {
        if (client.Status().Journal == ControlJournal.Absent)
            throw new ControlException(ExitCode.Failed, Names.Refusal(ControlStatus.NoJournal));
    }

    /// <summary>
    /// Tells Hv which partitions are data and starts a shadow: a fork of this system, which is rebooted there by <paramref name="rebootCommand"/> (empty:
    /// as usual), or, with <see cref="StartOptions.IsCold"/>, a machine that starts from the disk as it is, after the file systems have been synced.
    /// False in the shadow: nothing more is to be done there.
    /// </summary>
    public bool Start(in StartOptions options, string rebootCommand)
    {
        DataPlan plan = DataPlan.Load(system.Storage);
        WaitForRelease();
        client.SetData(plan.Table());
        if (plan.Carried.Count != 0)
            system.Storage.MarkStart();
        system.Storage.NoteDrivers(system.DriverAliases());
        system.Storage.NoteNetworkCards([.. system.NetworkCards().Where(card => card.Value != null).Select(card => card.Key)]);
        if (options.IsCold)
        {
            log.WriteLine("[    0.0 s] syncing");
            system.Sync();
        }
        else
        {
            log.WriteLine("[    0.0 s] forking");
        }
        if (!client.Start(in options))
            return true;
        log.WriteLine("this is the shadow: rebooting");
        try
        {
            system.Reboot(rebootCommand);
        }
        catch (ControlException problem)
        {
            client.Fail(ControlFailure.Rejected, problem.Message);
        }
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
                    ShowConsole(in status);
                    throw new ControlException(status.Failure == ControlFailure.TimedOut ? ExitCode.TimedOut : ExitCode.Failed, new StatusView(in status).Explanation);
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

    /// <summary>
    /// Syncs the file systems, freezes data and those that files will be carried over from, and switches, <paramref name="withoutJournal"/> too if it
    /// must be. Returns only in the system that was left, and only if something is odd.
    /// </summary>
    public void Switch(bool withoutJournal)
    {
        DataPlan plan = DataPlan.Load(system.Storage);
        system.Sync();
        log.WriteLine("switching");
        // Nothing may end this process while file systems are frozen; it writes to none of them.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        var frozen = new List<string>();
        try
        {
            foreach (string mountPoint in plan.FrozenAtSwitch())
            {
                if (system.Storage.Freeze(mountPoint))
                    frozen.Add(mountPoint);
            }
            client.Switch(withoutJournal);
        }
        finally
        {
            foreach (string mountPoint in frozen)
                system.Storage.Thaw(mountPoint);
        }
    }

    // After the last switch files may still be being carried over.
    private void WaitForRelease()
    {
        TimeSpan end = system.Uptime + ReleaseLimit;
        while (client.Status().LastView != LastViewState.None)
        {
            if (system.Uptime >= end)
                throw new ControlException(ExitCode.Failed, "Files of the last shadow reboot have not been carried over yet; see 'shadowctl carry'.");
            system.Sleep(ReleasePoll);
        }
    }

    private void ShowConsole(in StatusBlock status)
    {
        var console = new ConsoleLog(client);
        var text = new ConsoleText();
        var lines = new StringBuilder();
        console.BeginNearEnd(in status, TailBytes);
        bool isCut = console.Offset != status.LogStart;
        for (ReadOnlySpan<byte> bytes = console.Read(); !bytes.IsEmpty; bytes = console.Read())
            lines.Append(text.Add(bytes));
        string[] last = lines.ToString().Split('\n').Skip(isCut ? 1 : 0).Where(line => line.Length != 0).TakeLast(TailLines).ToArray();
        if (last.Length == 0)
            return;
        log.WriteLine("the last lines of the shadow's console:");
        foreach (string line in last)
            log.WriteLine("| " + line);
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
