using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>The units that a system has, as far as files tell (systemd.unit(5), "Unit File Load Path").</summary>
/// <param name="root">Where the file system begins; something else in tests.</param>
public sealed class UnitCatalog(string root)
{
    private static readonly string[] Places = ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

    /// <summary>Whether there is a unit of that name.</summary>
    public bool IsInstalled(string unit) => Places.Any(place => Path.Exists(Path.Combine(root, place, unit)));

    /// <summary>Whether another unit asks for it, or, if it is a template (name@.service), for one made of it.</summary>
    public bool IsEnabled(string unit) => Places.SelectMany(Wishes).Any(wish => wish == unit || TemplateOf(wish) == unit);

    /// <summary>The template that a unit is made of: name@.service of name@this.service; null if it is made of none.</summary>
    public static string? TemplateOf(string unit)
    {
        int at = unit.IndexOf('@', StringComparison.Ordinal), dot = unit.LastIndexOf('.');
        return at < 0 || dot < at ? null : unit[..(at + 1)] + unit[dot..];
    }

    private IEnumerable<string> Wishes(string place)
    {
        string folder = Path.Combine(root, place);
        if (!Directory.Exists(folder))
            return [];
        return Directory.GetDirectories(folder).Where(name => name.EndsWith(".wants", StringComparison.Ordinal) || name.EndsWith(".requires", StringComparison.Ordinal))
            .SelectMany(Directory.GetFileSystemEntries).Select(entry => Path.GetFileName(entry));
    }
}
