using System;
using System.IO;
using System.Text;

namespace Hv.ShadowControl;

/// <summary>
/// A systemd generator (systemd.generator(7)): in a shadow it lets the mounts of data partitions wait for the switch, and the boot not wait for them.
/// </summary>
public sealed class MountGenerator(ISystem system)
{
    private const string Gate = "shadowctl-data.service", Promoted = "shadowctl-promoted.target", Ready = "shadowctl-ready.service";
    private const string Nothing = "/dev/null";

    /// <summary>Writes units to the folder that comes before all others. What is wrong with the configuration is for <c>shadowctl check</c> to say.</summary>
    public void Generate(string early)
    {
        DataPlan plan = DataPlan.Load(system.Storage);
        bool any = false;
        foreach (FstabEntry entry in plan.DataMounts())
        {
            if (entry.MountPoint[0] != '/' || plan.FindSource(entry) is not { } partition)
                continue;
            any = true;
            string unit = UnitName(entry.MountPoint);
            File.WriteAllText(Path.Combine(early, unit), Mount(entry, partition));
            // The links in which systemd-fstab-generator says that the boot needs the mount: these here come before them.
            Link(Path.Combine(early, "local-fs.target.requires", unit), Nothing);
            Link(Path.Combine(early, "local-fs.target.wants", unit), Nothing);
            if (!HasOption(entry, "noauto"))
                Link(Path.Combine(early, Promoted + ".wants", unit), Path.Combine(early, unit));
        }
        if (!any)
            return;
        Link(Path.Combine(early, "sysinit.target.wants", Gate), "/etc/systemd/system/" + Gate);
        // Services that need a data partition wait too, and multi-user.target with them: so the boot is over when only such jobs are left.
        File.WriteAllText(Path.Combine(early, Ready), """
            [Unit]
            Description=Tell Hv that this shadow is up, and finish a shadow reboot
            After=basic.target

            [Service]
            Type=exec
            ExecStart=shadowctl ready --finish --when-idle
            TimeoutStopSec=10

            """);
    }

    /// <summary>The name of a mount point's unit (systemd-escape(1), option --path).</summary>
    public static string UnitName(string mountPoint)
    {
        string path = mountPoint.Trim('/');
        if (path.Length == 0)
            return "-.mount";
        var name = new StringBuilder();
        foreach (byte letter in Encoding.UTF8.GetBytes(path))
        {
            if (letter == '/')
                name.Append('-');
            else if (char.IsAsciiLetterOrDigit((char)letter) || letter is (byte)':' or (byte)'_' || (letter == '.' && name.Length != 0))
                name.Append((char)letter);
            else
                name.Append($"\\x{letter:x2}");
        }
        return name + ".mount";
    }

    private static string Mount(FstabEntry entry, DiskPartition partition) => $"""
        # A data partition, in a shadow.
        [Unit]
        SourcePath=/etc/fstab
        DefaultDependencies=no
        Requires={Gate}
        After={Gate}
        Conflicts=umount.target
        Before=umount.target

        [Mount]
        What=/dev/{partition.Name}
        Where={Quoted(entry.MountPoint)}
        Type={Quoted(entry.Type)}
        Options={Quoted(entry.Options)}

        """;

    // '%' begins a specifier (systemd.unit(5)).
    private static string Quoted(string value) => value.Replace("%", "%%", StringComparison.Ordinal);

    private static bool HasOption(FstabEntry entry, string option) => Array.IndexOf(entry.Options.Split(','), option) >= 0;

    private static void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, target);
    }
}
