using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>After a switch: carries the configured directories over from the old primary's last view of the disk, and releases it.</summary>
public sealed class LastViewCarrier(ISystem system, ControlClient client, TextWriter log)
{
    private const long NanosecondsPerTick = 100;

    private static readonly TimeSpan NamespaceLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly CarryReport _report = new();

    /// <summary>
    /// Carries files over; <paramref name="booted"/> is when this system was booted, by its clock while it was a shadow. Null if there is no last view.
    /// </summary>
    /// <exception cref="ControlException">It could not be done, or not all of it; the view is released all the same.</exception>
    public CarryReport? Carry(DateTimeOffset booted)
    {
        switch (client.Status().LastView)
        {
            case LastViewState.None:
                return null;
            case LastViewState.Lost:
                client.ReleaseLastView();
                throw new ControlException(ExitCode.Failed, "Files could not be carried over: Hv's memory did not suffice to keep the disk as it was before the switch.");
        }
        try
        {
            CarryAll(DataPlan.Load(system.Storage), booted);
            system.Sync();
            if (client.Status().LastView == LastViewState.Lost)
                _report.Problems.Add("Hv's memory did not suffice to keep the disk as it was before the switch: files are missing.");
        }
        finally
        {
            client.ReleaseLastView();
        }
        log.WriteLine($"carried over: {_report.Taken} files, {_report.Removed} deletions, {_report.Conflicts.Count} conflicts");
        foreach (string conflict in _report.Conflicts)
            log.WriteLine($"changed on both sides, the version from before the reboot is {conflict}");
        foreach (string problem in _report.Problems)
            log.WriteLine($"not carried over: {problem}");
        if (_report.Problems.Count != 0)
            throw new ControlException(ExitCode.Failed, $"{_report.Problems.Count} files could not be carried over; the first: {_report.Problems[0]}");
        return _report;
    }

    private void CarryAll(DataPlan plan, DateTimeOffset booted)
    {
        IStorage storage = system.Storage;
        if (storage.StartMark() is not { } started)
            throw new ControlException(ExitCode.Failed, "Files could not be carried over: it is not known when the shadow was started.");
        string? name = storage.FindNamespace(DataTable.LastViewNamespace);
        for (TimeSpan end = system.Uptime + NamespaceLimit; name == null && system.Uptime < end; name = storage.FindNamespace(DataTable.LastViewNamespace))
            system.Sleep(Poll);
        if (name == null)
            throw new ControlException(ExitCode.Failed, "Files could not be carried over: the disk from before the switch did not appear.");
        // With a clock that was behind, this system may have changed files before the start, as it seems.
        long slack = Math.Max(0, started - (booted - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick);
        foreach (IGrouping<int, CarriedDirectory> partition in plan.Carried.GroupBy(directory => directory.Partition.Number))
            CarryPartition(name, partition.Key, [.. partition], new FileCarrier(started, slack, _report));
    }

    private void CarryPartition(string name, int partition, IReadOnlyList<CarriedDirectory> directories, FileCarrier carrier)
    {
        string mounted;
        try
        {
            mounted = system.Storage.MountLastView(name, partition, directories[0].Type);
        }
        catch (ControlException problem)
        {
            _report.Problems.Add(problem.Message);
            return;
        }
        try
        {
            foreach (CarriedDirectory directory in directories)
                carrier.Carry(Path.Combine(mounted, directory.PathInFileSystem), directory.Path);
        }
        finally
        {
            system.Storage.UnmountLastView(mounted);
        }
    }
}
