using System;
using System.Collections.Generic;

namespace Hv.Imaging;

/// <summary>A directory that is to be written: its files and directories by name, in an order that does not depend on how they were added.</summary>
internal sealed class FatDirectory
{
    public SortedDictionary<string, FatDirectory> Directories { get; } = new(StringComparer.OrdinalIgnoreCase);

    public SortedDictionary<string, byte[]> Files { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The first cluster, once given.</summary>
    public uint Cluster { get; set; }

    public static FatDirectory Tree(IEnumerable<ImageFile> files)
    {
        var root = new FatDirectory();
        foreach (ImageFile file in files)
        {
            string[] parts = file.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0)
                throw new ImageException("A file for the image has no name.");
            if (file.Contents.LongLength > uint.MaxValue)
                throw new ImageException($"'{file.Path}' is too large for a FAT file system.");
            FatDirectory directory = root;
            foreach (string part in parts)
                FatName.Check(part);
            foreach (string part in parts.AsSpan(0, parts.Length - 1))
            {
                if (directory.Files.ContainsKey(part))
                    throw new ImageException($"'{part}' in '{file.Path}' is a file and a directory at once.");
                if (!directory.Directories.TryGetValue(part, out FatDirectory? next))
                    directory.Directories.Add(part, next = new FatDirectory());
                directory = next;
            }
            if (directory.Directories.ContainsKey(parts[^1]) || !directory.Files.TryAdd(parts[^1], file.Contents))
                throw new ImageException($"'{file.Path}' is in the image twice.");
        }
        return root;
    }
}
