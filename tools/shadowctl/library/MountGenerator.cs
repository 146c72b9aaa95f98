using System;
using System.Text;

namespace Hv.ShadowControl;

/// <summary>What a systemd generator does about data partitions in a shadow: their mounts wait for the switch, and the boot does not wait for them.</summary>
public sealed class MountGenerator
{
    private const string Gate = "shadowctl-data.service", Promoted = "shadowctl-promoted.target", LocalFileSystems = "local-fs.target";

    /// <summary>Writes the units; true if there are any. What is wrong with the configuration is for <c>shadowctl check</c> to say.</summary>
    public bool Generate(GeneratedUnits units, DataPlan plan)
    {
        bool any = false;
        foreach (FstabEntry entry in plan.DataMounts())
        {
            if (entry.MountPoint[0] != '/' || plan.FindSource(entry) is not { } partition)
                continue;
            any = true;
            string unit = UnitName(entry.MountPoint);
            units.Write(unit, Mount(entry, partition));
            // systemd-fstab-generator says that the boot needs the mount.
            units.Forget(LocalFileSystems, unit);
            if (!HasOption(entry, "noauto"))
                units.Want(Promoted, unit);
        }
        if (any)
            units.Want("sysinit.target", Gate);
        return any;
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
}
