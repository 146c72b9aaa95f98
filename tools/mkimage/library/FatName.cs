using System;
using System.Collections.Generic;
using System.Text;

namespace Hv.Imaging;

/// <summary>A file name as FAT directories hold it: a unique 8.3 name, and a long name where that is not enough.</summary>
internal static class FatName
{
    /// <summary>Bytes in a short name.</summary>
    public const int ShortLength = 11;
    /// <summary>UTF-16 code units in one long name entry.</summary>
    public const int UnitsPerEntry = 13;

    private const int BaseLength = 8;
    private const int MaximumLongLength = 255;
    private const string ForbiddenLong = "\"*/:<>?\\|";
    private const string AllowedShort = "!#$%&'()-@^_`{}~";

    /// <summary>Throws if a file cannot have this name.</summary>
    public static void Check(string name)
    {
        bool bad = name.Length == 0 || name.Length > MaximumLongLength || name is "." or ".." || name[^1] is '.' or ' ' || name[0] == ' ';
        foreach (char c in name)
            bad |= c < ' ' || c == 0x7f || ForbiddenLong.Contains(c) || char.IsSurrogate(c);
        if (bad)
            throw new ImageException($"'{name}' cannot be a file name on a FAT file system.");
    }

    /// <summary>Makes a short name for <paramref name="name"/> that is not in <paramref name="taken"/>, and adds it there.</summary>
    /// <returns>Whether a long name is needed too.</returns>
    public static bool MakeShort(string name, HashSet<string> taken, out string shortName)
    {
        int dot = name.LastIndexOf('.');
        string stem = dot > 0 ? name[..dot] : name;
        string extension = dot > 0 ? name[(dot + 1)..] : "";
        string shortStem = Squeeze(stem), shortExtension = Squeeze(extension);
        bool lossy = shortStem.Length > BaseLength || shortExtension.Length > 3 || shortStem.Length == 0
            || !stem.Equals(shortStem, StringComparison.OrdinalIgnoreCase) || !extension.Equals(shortExtension, StringComparison.OrdinalIgnoreCase);
        shortExtension = shortExtension[..Math.Min(3, shortExtension.Length)];
        string candidate = Pad(shortStem, shortExtension);
        if (!lossy && taken.Add(candidate))
        {
            shortName = candidate;
            return stem != shortStem || extension != shortExtension;
        }
        for (int number = 1; ; number++)
        {
            string tail = "~" + number;
            candidate = Pad(shortStem[..Math.Min(BaseLength - tail.Length, shortStem.Length)] + tail, shortExtension);
            if (taken.Add(candidate))
            {
                shortName = candidate;
                return true;
            }
        }
    }

    /// <summary>The checksum that ties long name entries to their short name.</summary>
    public static byte Checksum(ReadOnlySpan<byte> shortName)
    {
        byte sum = 0;
        for (int i = 0; i < ShortLength; i++)
            sum = (byte)((sum >> 1) + (sum << 7) + shortName[i]);
        return sum;
    }

    /// <summary>How a short name is shown.</summary>
    public static string Show(ReadOnlySpan<byte> shortName)
    {
        string stem = Encoding.Latin1.GetString(shortName[..BaseLength]).TrimEnd(' ');
        string extension = Encoding.Latin1.GetString(shortName[BaseLength..ShortLength]).TrimEnd(' ');
        return extension.Length == 0 ? stem : stem + "." + extension;
    }

    private static string Pad(string stem, string extension) =>
        stem[..Math.Min(BaseLength, stem.Length)].PadRight(BaseLength) + extension.PadRight(3);

    private static string Squeeze(string part)
    {
        var squeezed = new StringBuilder();
        foreach (char c in part.ToUpperInvariant())
        {
            if (c is ' ' or '.')
                continue;
            bool allowed = c is >= 'A' and <= 'Z' or >= '0' and <= '9' || AllowedShort.Contains(c);
            squeezed.Append(allowed ? c : '_');
        }
        return squeezed.ToString();
    }
}
