using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Hv.Imaging;

/// <summary>Writes a FAT32 file system with given files. The same files give the same bytes.</summary>
public sealed class Fat32Writer
{
    internal const int EntrySize = 32;
    internal const byte AttributeLabel = 0x08;
    internal const byte AttributeDirectory = 0x10;
    internal const byte AttributeArchive = 0x20;
    internal const byte AttributeLongName = 0x0f;
    internal const uint EndOfChain = 0x0fff_ffff;

    private const byte MediaFixed = 0xf8;
    private const ushort FsInfoSector = 1;
    private const ushort BackupSector = 6;
    private const ushort Date1980January1 = 0x0021;

    private readonly Fat32Geometry _geometry;
    private readonly Stream _disk;
    private readonly ulong _start;
    private readonly string _label;
    private readonly uint[] _fat;
    private uint _next = Fat32Geometry.FirstCluster;

    private Fat32Writer(Stream disk, ulong firstSector, Fat32Geometry geometry, string label)
    {
        _disk = disk;
        _start = firstSector;
        _geometry = geometry;
        _label = label.ToUpperInvariant().PadRight(FatName.ShortLength)[..FatName.ShortLength];
        _fat = new uint[geometry.SectorsPerFat * (Sectors.Size / 4)];
        _fat[0] = 0x0fff_ff00 | MediaFixed;
        _fat[1] = EndOfChain;
    }

    /// <summary>How many sectors a volume must have at least to hold <paramref name="files"/>.</summary>
    public static ulong SectorsNeeded(IReadOnlyCollection<ImageFile> files)
    {
        ulong sectors = 34ul << 20 >> 9;
        while (ClustersNeeded(FatDirectory.Tree(files), new Fat32Geometry(sectors), isRoot: true) > new Fat32Geometry(sectors).ClusterCount)
            sectors += 1ul << 20 >> 9;
        return sectors;
    }

    /// <summary>Writes the file system to <paramref name="sectors"/> zeroed sectors of <paramref name="disk"/>.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="firstSector">Where the volume starts.</param>
    /// <param name="sectors">How long it is.</param>
    /// <param name="label">Its label, at most 11 characters.</param>
    /// <param name="serial">Its serial number.</param>
    /// <param name="files">The files.</param>
    /// <exception cref="ImageException">A name is impossible, or the files do not fit.</exception>
    public static void Write(Stream disk, ulong firstSector, ulong sectors, string label, uint serial, IReadOnlyCollection<ImageFile> files)
    {
        FatDirectory root = FatDirectory.Tree(files);
        var geometry = new Fat32Geometry(sectors);
        if (ClustersNeeded(root, geometry, isRoot: true) > geometry.ClusterCount)
            throw new ImageException($"The files do not fit into {sectors / 2048} MiB.");
        var writer = new Fat32Writer(disk, firstSector, geometry, label);
        writer.Allocate(root, isRoot: true);
        writer.WriteDirectory(root, parentCluster: 0, isRoot: true);
        writer.WriteFats();
        writer.WriteBootSectors(serial);
    }

    private static ulong ClustersNeeded(FatDirectory directory, Fat32Geometry geometry, bool isRoot)
    {
        ulong clusters = Clusters(geometry, DirectoryBytes(directory, isRoot));
        foreach (byte[] contents in directory.Files.Values)
            clusters += Clusters(geometry, contents.LongLength);
        foreach (FatDirectory child in directory.Directories.Values)
            clusters += ClustersNeeded(child, geometry, isRoot: false);
        return clusters;
    }

    private static ulong Clusters(Fat32Geometry geometry, long bytes) => ((ulong)bytes + geometry.ClusterBytes - 1) / geometry.ClusterBytes;

    // The root begins with the label, every other directory with "." and "..".
    private static long DirectoryBytes(FatDirectory directory, bool isRoot)
    {
        var taken = new HashSet<string>();
        long entries = isRoot ? 1 : 2;
        foreach (string name in directory.Directories.Keys)
            entries += EntriesFor(name, taken);
        foreach (string name in directory.Files.Keys)
            entries += EntriesFor(name, taken);
        return entries * EntrySize;
    }

    private static int EntriesFor(string name, HashSet<string> taken)
    {
        bool isLong = FatName.MakeShort(name, taken, out _);
        return isLong ? 1 + (name.Length + FatName.UnitsPerEntry - 1) / FatName.UnitsPerEntry : 1;
    }

    private void Allocate(FatDirectory directory, bool isRoot)
    {
        directory.Cluster = Chain(DirectoryBytes(directory, isRoot));
        foreach (FatDirectory child in directory.Directories.Values)
            Allocate(child, isRoot: false);
    }

    // Takes as many clusters in a row as the bytes need and chains them up.
    private uint Chain(long bytes)
    {
        uint count = (uint)Clusters(_geometry, bytes);
        if (count == 0)
            return 0;
        uint first = _next;
        for (uint i = 1; i < count; i++)
            _fat[_next++] = first + i;
        _fat[_next++] = EndOfChain;
        return first;
    }

    private void WriteDirectory(FatDirectory directory, uint parentCluster, bool isRoot)
    {
        var taken = new HashSet<string>();
        var bytes = new List<byte>();
        if (isRoot)
        {
            AddEntry(bytes, _label, AttributeLabel, 0, 0);
        }
        else
        {
            AddEntry(bytes, ".".PadRight(FatName.ShortLength), AttributeDirectory, directory.Cluster, 0);
            AddEntry(bytes, "..".PadRight(FatName.ShortLength), AttributeDirectory, parentCluster, 0);
        }
        foreach (KeyValuePair<string, FatDirectory> child in directory.Directories)
            AddNamed(bytes, child.Key, taken, AttributeDirectory, child.Value.Cluster, 0);
        foreach (KeyValuePair<string, byte[]> file in directory.Files)
        {
            uint cluster = Chain(file.Value.LongLength);
            AddNamed(bytes, file.Key, taken, AttributeArchive, cluster, (uint)file.Value.Length);
            if (cluster != 0)
                WriteClusters(cluster, file.Value);
        }
        WriteClusters(directory.Cluster, bytes.ToArray());
        foreach (FatDirectory child in directory.Directories.Values)
            WriteDirectory(child, isRoot ? 0 : directory.Cluster, isRoot: false);
    }

    private void WriteClusters(uint cluster, byte[] bytes)
    {
        _disk.Position = (long)(_start + _geometry.SectorOf(cluster)) * Sectors.Size;
        _disk.Write(bytes);
    }

    private static void AddNamed(List<byte> bytes, string name, HashSet<string> taken, byte attribute, uint cluster, uint size)
    {
        if (FatName.MakeShort(name, taken, out string shortName))
            AddLongName(bytes, name, FatName.Checksum(Encoding.Latin1.GetBytes(shortName)));
        AddEntry(bytes, shortName, attribute, cluster, size);
    }

    private static void AddEntry(List<byte> bytes, string shortName, byte attribute, uint cluster, uint size)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        entry.Clear();
        Encoding.Latin1.GetBytes(shortName, entry);
        entry[11] = attribute;
        BinaryPrimitives.WriteUInt16LittleEndian(entry[16..], Date1980January1);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[18..], Date1980January1);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[20..], (ushort)(cluster >> 16));
        BinaryPrimitives.WriteUInt16LittleEndian(entry[24..], Date1980January1);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[26..], (ushort)cluster);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[28..], size);
        bytes.AddRange(entry);
    }

    // The last part of the name comes first; a name that ends within an entry is closed by 0 and filled with FFFFh.
    private static void AddLongName(List<byte> bytes, string name, byte checksum)
    {
        const byte LastPart = 0x40;
        int parts = (name.Length + FatName.UnitsPerEntry - 1) / FatName.UnitsPerEntry;
        Span<byte> entry = stackalloc byte[EntrySize];
        for (int part = parts; part > 0; part--)
        {
            entry.Clear();
            entry[0] = (byte)(part == parts ? part | LastPart : part);
            entry[11] = AttributeLongName;
            entry[13] = checksum;
            for (int i = 0; i < FatName.UnitsPerEntry; i++)
            {
                int at = (part - 1) * FatName.UnitsPerEntry + i;
                ushort unit = at < name.Length ? name[at] : at == name.Length ? (ushort)0 : (ushort)0xffff;
                BinaryPrimitives.WriteUInt16LittleEndian(entry[LongNameOffset(i)..], unit);
            }
            bytes.AddRange(entry);
        }
    }

    /// <summary>Where code unit <paramref name="index"/> (0 to 12) lies in a long name entry.</summary>
    internal static int LongNameOffset(int index) => index < 5 ? 1 + index * 2 : index < 11 ? 14 + (index - 5) * 2 : 28 + (index - 11) * 2;

    private void WriteFats()
    {
        byte[] bytes = new byte[_next * 4];
        for (int i = 0; i < _next; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), _fat[i]);
        for (uint copy = 0; copy < Fat32Geometry.FatCount; copy++)
            Sectors.Write(_disk, _start + Fat32Geometry.ReservedSectors + copy * _geometry.SectorsPerFat, bytes);
    }

    private void WriteBootSectors(uint serial)
    {
        byte[] boot = new byte[Sectors.Size];
        new byte[] { 0xeb, 0x58, 0x90 }.CopyTo(boot, 0);            // jmp to the code
        "HV      "u8.CopyTo(boot.AsSpan(3));
        BinaryPrimitives.WriteUInt16LittleEndian(boot.AsSpan(11), Sectors.Size);
        boot[13] = (byte)_geometry.SectorsPerCluster;
        BinaryPrimitives.WriteUInt16LittleEndian(boot.AsSpan(14), (ushort)Fat32Geometry.ReservedSectors);
        boot[16] = (byte)Fat32Geometry.FatCount;
        boot[21] = MediaFixed;
        BinaryPrimitives.WriteUInt16LittleEndian(boot.AsSpan(24), 63);  // sectors per track, heads: customary, unused
        BinaryPrimitives.WriteUInt16LittleEndian(boot.AsSpan(26), 255);
        BinaryPrimitives.WriteUInt32LittleEndian(boot.AsSpan(28), (uint)_start);
        BinaryPrimitives.WriteUInt32LittleEndian(boot.AsSpan(32), _geometry.TotalSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(boot.AsSpan(36), _geometry.SectorsPerFat);
        BinaryPrimitives.WriteUInt32LittleEndian(boot.AsSpan(44), Fat32Geometry.FirstCluster);
        BinaryPrimitives.WriteUInt16LittleEndian(boot.AsSpan(48), FsInfoSector);
        BinaryPrimitives.WriteUInt16LittleEndian(boot.AsSpan(50), BackupSector);
        boot[64] = 0x80;                                            // BIOS drive number
        boot[66] = 0x29;                                            // the three fields that follow are there
        BinaryPrimitives.WriteUInt32LittleEndian(boot.AsSpan(67), serial);
        Encoding.Latin1.GetBytes(_label, boot.AsSpan(71));
        "FAT32   "u8.CopyTo(boot.AsSpan(82));
        new byte[] { 0xf4, 0xeb, 0xfd }.CopyTo(boot, 90);           // a BIOS that starts this: hlt; jmp back
        boot[510] = 0x55;
        boot[511] = 0xaa;

        byte[] info = new byte[Sectors.Size];
        BinaryPrimitives.WriteUInt32LittleEndian(info, 0x4161_5252);
        BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(484), 0x6141_7272);
        BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(488), _geometry.ClusterCount - (_next - Fat32Geometry.FirstCluster));
        BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(492), _next - 1);
        BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(508), 0xaa55_0000);

        foreach (ushort at in new ushort[] { 0, BackupSector })
        {
            Sectors.Write(_disk, _start + at, boot);
            Sectors.Write(_disk, _start + at + FsInfoSector, info);
        }
    }
}
