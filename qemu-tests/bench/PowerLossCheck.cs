using System.Globalization;
using Hv.Shadow.Journal;

namespace Hv.Bench;

/// <summary>Looks at a disk after a power loss: Hv's recovery is run on it, then it must be the old system's disk or the new one's.</summary>
internal static class PowerLossCheck
{
    /// <summary>Checks the disk of a point; null if it is as it must be, else what is wrong. The image is changed.</summary>
    public static string? Run(PowerLossPoint point, GuestImage guest)
    {
        point.Recovery = Recover(point.Image);
        if (point.Recovery is JournalRecovery.Damaged or JournalRecovery.Failed)
            return $"the journal is {point.Recovery}";
        string root = point.Image + ".root";
        string? problem = guest.ExtractRoot(point.Image, root) ?? CheckContents(point, root, guest.NewKernel);
        File.Delete(root);
        return problem;
    }

    private static unsafe JournalRecovery Recover(string image)
    {
        using ImageDisk disk = new(image);
        using NativePages pages = new();
        DiskJournal journal = new(disk, pages, pages.TakePage());
        Kernel.Status status = journal.Find();
        return status == Kernel.Status.Ok ? journal.Recovery : JournalRecovery.Failed;
    }

    private static string? CheckContents(PowerLossPoint point, string root, string kernel)
    {
        string link = GuestImage.FileSystemCommand(root, "stat /vmlinuz");
        if (!link.Contains($"vmlinuz-{kernel}\"", StringComparison.Ordinal))
            return "the kernel that was installed is not the default";
        string[][] lines = [.. GuestImage.FileSystemCommand(root, $"cat {PowerLossRun.Record}").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];
        if (lines.FirstOrDefault(line => line.Length != 3) is { } odd)
            return $"the record has a damaged line: '{string.Join(' ', odd)}'";
        string[] boots = [.. lines.Select(line => line[0]).Distinct()];
        foreach (string boot in boots)
        {
            string[] numbers = [.. lines.Where(line => line[0] == boot).Select(line => line[1])];
            if (!numbers.SequenceEqual(Enumerable.Range(1, numbers.Length).Select(number => number.ToString(CultureInfo.InvariantCulture))))
                return $"the record of boot {boot} has a gap";
        }
        bool isNew = boots.Length == 2;
        if (boots.Length is 0 or > 2)
            return $"the record is of {boots.Length} boots";
        if (point.Committed && !isNew)
            return "the switch was committed, but the disk is the old system's";
        if (!point.Switching && isNew)
            return "the switch had not begun, but the disk is the new system's";
        return CheckHeartbeats(point, lines, boots, isNew);
    }

    // What the system that owns the disk had made durable and then reported must be there.
    private static string? CheckHeartbeats(PowerLossPoint point, string[][] lines, string[] boots, bool isNew)
    {
        int firstOfNew = 1;
        while (firstOfNew < point.Heartbeats.Count && point.Heartbeats[firstOfNew].Uptime > point.Heartbeats[firstOfNew - 1].Uptime)
            firstOfNew++;
        Heartbeat[] due = [.. isNew ? point.Heartbeats.Skip(firstOfNew) : point.Heartbeats.Take(firstOfNew)];
        if (due.Length == 0)
            return null;
        HashSet<(long, double)> there = [.. lines.Where(line => line[0] == boots[^1]).Select(line => (long.Parse(line[1], CultureInfo.InvariantCulture), double.Parse(line[2], CultureInfo.InvariantCulture)))];
        foreach (Heartbeat beat in due)
        {
            if (!there.Contains((beat.Number, beat.Uptime)))
                return $"heartbeat {beat.Number} of {beat.Uptime} s was durable, but is not in the record";
        }
        return null;
    }
}
