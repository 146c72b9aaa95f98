using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Hv.Imaging;

/// <summary>Reads a FAT32 file system and checks it on the way: every chain, every name, every copy.</summary>
public sealed class Fat32Reader
{
    private const uint EntryMask = 0x0fff_ffff;
    private const uint FirstEndMark = 0x0fff_fff8;

    private readonly Stream _disk;
    private readonly ulong _start;
    private readonly Fat32Geometry _geometry;
    private readonly uint[] _fat;
    private readonly bool[] _used;

    private Fat32Reader(Stream disk, ulong firstSector, ulong sectors)
    {
        _disk = disk;
        _start = firstSector;
        byte[] boot = Sectors.Read(disk, firstSector, 1);
        byte[] backup = Sectors.Read(disk, firstSector + 6, 1);
        _geometry = new Fat32Geometry(sectors);
        bool good = boot[510] == 0x55 && boot[511] == 0xaa
            && BinaryPrimitives.ReadUInt16LittleEndian(boot.AsSpan(11)) == Sectors.Size
            && boot[13] == _geometry.SectorsPerCluster
            && BinaryPrimitives.ReadUInt16LittleEndian(boot.AsSpan(14)) == Fat32Geometry.ReservedSectors
            && boot[16] == Fat32Geometry.FatCount
            && BinaryPrimitives.ReadUInt32LittleEndian(boot.AsSpan(32)) == _geometry.TotalSectors
            && BinaryPrimitives.ReadUInt32LittleEndian(boot.AsSpan(36)) == _geometry.SectorsPerFat;
        if (!good)
            throw new ImageException("The partition holds no FAT32 file system made by mkimage.");
        if (!boot.AsSpan().SequenceEqual(backup))
            throw new ImageException("The backup boot sector of the file system differs from the first.");
        Label = Encoding.Latin1.GetString(boot, 71, FatName.ShortLength).TrimEnd();

        int fatSectors = (int)_geometry.SectorsPerFat;
        byte[] fat = Sectors.Read(disk, firstSector + Fat32Geometry.ReservedSectors, fatSectors);
        if (!fat.AsSpan().SequenceEqual(Sectors.Read(disk, firstSector + Fat32Geometry.ReservedSectors + _geometry.SectorsPerFat, fatSectors)))
            throw new ImageException("The two file allocation tables differ.");
        _fat = new uint[_geometry.ClusterCount + Fat32Geometry.FirstCluster];
        for (int i = 0; i < _fat.Length; i++)
            _fat[i] = BinaryPrimitives.ReadUInt32LittleEndian(fat.AsSpan(i * 4)) & EntryMask;
        _used = new bool[_fat.Length];

        var files = new List<ImageFile>();
        ReadDirectory(ReadChain(BinaryPrimitives.ReadUInt32LittleEndian(boot.AsSpan(44)), "/"), "", files);
        Files = files;
        CheckFree(Sectors.Read(disk, firstSector + 1, 1));
    }

    /// <summary>The label.</summary>
    public string Label { get; }

    /// <summary>All files, in the order of the directories.</summary>
    public IReadOnlyList<ImageFile> Files { get; }

    /// <summary>Reads the file system in <paramref name="sectors"/> sectors from <paramref name="firstSector"/>.</summary>
    /// <exception cref="ImageException">It contradicts itself, or was not made by <see cref="Fat32Writer"/>.</exception>
    public static Fat32Reader Read(Stream disk, ulong firstSector, ulong sectors) => new(disk, firstSector, sectors);

    private byte[] ReadChain(uint cluster, string what)
    {
        var bytes = new MemoryStream();
        while (true)
        {
            if (cluster < Fat32Geometry.FirstCluster || cluster >= _fat.Length)
                throw new ImageException($"The cluster chain of '{what}' leaves the file system.");
            if (_used[cluster])
                throw new ImageException($"The cluster chain of '{what}' runs into another one or into itself.");
            _used[cluster] = true;
            bytes.Write(Sectors.Read(_disk, _start + _geometry.SectorOf(cluster), (int)_geometry.SectorsPerCluster));
            uint next = _fat[cluster];
            if (next >= FirstEndMark)
                return bytes.ToArray();
            cluster = next;
        }
    }

    private void ReadDirectory(byte[] bytes, string path, List<ImageFile> files)
    {
        var longName = new LongName();
        for (int at = 0; at + Fat32Writer.EntrySize <= bytes.Length; at += Fat32Writer.EntrySize)
        {
            ReadOnlySpan<byte> entry = bytes.AsSpan(at, Fat32Writer.EntrySize);
            if (entry[0] == 0)
                return;
            byte attribute = entry[11];
            if (attribute == Fat32Writer.AttributeLongName)
            {
                longName.Add(entry);
                continue;
            }
            string name = longName.Take(entry) ?? FatName.Show(entry);
            if ((attribute & Fat32Writer.AttributeLabel) != 0 || name is "." or "..")
                continue;
            uint cluster = (uint)BinaryPrimitives.ReadUInt16LittleEndian(entry[20..]) << 16 | BinaryPrimitives.ReadUInt16LittleEndian(entry[26..]);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(entry[28..]);
            string full = path + name;
            if ((attribute & Fat32Writer.AttributeDirectory) != 0)
            {
                ReadDirectory(ReadChain(cluster, full), full + "/", files);
                continue;
            }
            byte[] contents = size == 0 && cluster == 0 ? [] : ReadChain(cluster, full);
            uint clusters = (size + _geometry.ClusterBytes - 1) / _geometry.ClusterBytes;
            if (contents.Length != clusters * _geometry.ClusterBytes)
                throw new ImageException($"The size of '{full}' does not match its cluster chain.");
            files.Add(new ImageFile(full, contents[..(int)size]));
        }
    }

    private void CheckFree(byte[] info)
    {
        uint free = 0;
        for (uint cluster = Fat32Geometry.FirstCluster; cluster < _fat.Length; cluster++)
        {
            if (_fat[cluster] == 0)
                free++;
            else if (!_used[cluster])
                throw new ImageException($"Cluster {cluster} is taken but belongs to nothing.");
        }
        if (BinaryPrimitives.ReadUInt32LittleEndian(info.AsSpan(488)) != free)
            throw new ImageException("The count of free clusters is wrong.");
    }

    /// <summary>Collects the entries of a long name.</summary>
    private sealed class LongName
    {
        private readonly char[] _units = new char[20 * FatName.UnitsPerEntry];
        private int _expected;
        private int _length;
        private byte _checksum;

        public void Add(ReadOnlySpan<byte> entry)
        {
            int part = entry[0] & 0x3f;
            if ((entry[0] & 0x40) != 0)
            {
                _expected = part;
                _length = part * FatName.UnitsPerEntry;
                _checksum = entry[13];
            }
            if (part == 0 || part > 20 || part != _expected || entry[13] != _checksum)
                throw new ImageException("The entries of a long file name are out of order.");
            _expected--;
            for (int i = 0; i < FatName.UnitsPerEntry; i++)
                _units[(part - 1) * FatName.UnitsPerEntry + i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(entry[Fat32Writer.LongNameOffset(i)..]);
        }

        // The name that goes with a short name entry, or null if there was none.
        public string? Take(ReadOnlySpan<byte> entry)
        {
            if (_length == 0)
                return null;
            if (_expected != 0 || _checksum != FatName.Checksum(entry))
                throw new ImageException($"The long name of '{FatName.Show(entry)}' does not belong to it.");
            string name = new string(_units, 0, _length);
            int end = name.IndexOf('\0');
            _length = 0;
            return end < 0 ? name : name[..end];
        }
    }
}
