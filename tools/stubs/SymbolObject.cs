using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace Hv.Stubs;

/// <summary>
/// Turns the linker's map into the table by which Hv names addresses in a fault report (kernel/diagnostics/SymbolTable): count, then per
/// function its offset from the image base and the offset of its name, sorted; then the names, each ended by a zero.
/// </summary>
internal static class SymbolObject
{
    private const ulong ImageBase = 0x1_4000_0000; // what lld-link gives an image unless told otherwise
    private const string AssemblyPrefix = "Hv_";
    private const int LongestName = 80;

    public static CoffObject FromMap(IEnumerable<string> map)
    {
        var names = new SortedDictionary<uint, string>();
        var codeSegments = new HashSet<string>();
        foreach (string line in map)
        {
            // " 0004:00000000 00032322H .managedcode$I          CODE"
            // " 0004:0000001c       RhpNewArrayFast            000000014001501c     Hv.obj"
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 3 || words[0].Length != 13 || words[0][4] != ':')
                continue;
            string segment = words[0][..4];
            if (words[^1] == "CODE")
                codeSegments.Add(segment);
            if (!codeSegments.Contains(segment))
                continue;
            if (!ulong.TryParse(words[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong address) || address < ImageBase)
                continue;
            names.TryAdd((uint)(address - ImageBase), Readable(words[1]));
        }
        return Build(names);
    }

    private static string Readable(string name)
    {
        if (name.StartsWith(AssemblyPrefix, StringComparison.Ordinal))
            name = name[AssemblyPrefix.Length..];
        name = name.Replace("___ctor", ".new").Replace("__", ".");
        return name.Length <= LongestName ? name : name[..LongestName];
    }

    private static CoffObject Build(SortedDictionary<uint, string> names)
    {
        var table = new MemoryStream();
        var text = new MemoryStream();
        using var writer = new BinaryWriter(table);
        writer.Write((uint)names.Count);
        foreach ((uint offset, string name) in names.Select(pair => (pair.Key, pair.Value)))
        {
            writer.Write(offset);
            writer.Write((uint)text.Length);
            text.Write(Encoding.ASCII.GetBytes(name + '\0'));
        }
        writer.Write(text.ToArray());
        var image = new CoffObject(".hvsym", CoffObject.ReadOnlyDataSection) { Contents = table.ToArray() };
        image.Define("HvSymbols", 0);
        return image;
    }
}
