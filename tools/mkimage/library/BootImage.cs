using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace Hv.Imaging;

/// <summary>The image of a USB stick that a UEFI machine starts from: one EFI system partition.</summary>
public sealed class BootImage
{
    /// <summary>Where UEFI looks for a boot loader on removable media (UEFI 3.5.1.1).</summary>
    public const string LoaderPath = "EFI/BOOT/BOOTX64.EFI";

    /// <summary>The file that has Hv start the machine's processors itself, without the firmware's MP services.</summary>
    public static ImageFile OwnStart => new("EFI/HV/OWNSTART", "While this file is here, Hv starts the processors itself.\n"u8.ToArray());

    /// <summary>The smallest image, in bytes.</summary>
    public const long MinimumSize = 36L << 20;

    private const ulong PartitionStart = 2048;
    private const ulong SectorsPerMiB = 2048;
    private const string Name = "Hv";

    private BootImage(GptTable table, GptPartition partition, Fat32Reader fileSystem)
    {
        Table = table;
        Partition = partition;
        Label = fileSystem.Label;
        Files = fileSystem.Files;
    }

    /// <summary>The partition table.</summary>
    public GptTable Table { get; }

    /// <summary>The EFI system partition.</summary>
    public GptPartition Partition { get; }

    /// <summary>The label of the file system.</summary>
    public string Label { get; }

    /// <summary>The files.</summary>
    public IReadOnlyList<ImageFile> Files { get; }

    /// <summary>The smallest image size in bytes, a whole number of MiB, that holds <paramref name="files"/>.</summary>
    public static long SizeFor(IReadOnlyCollection<ImageFile> files)
    {
        ulong sectors = PartitionStart + Fat32Writer.SectorsNeeded(files) + GptTable.BackupSectors;
        ulong rounded = (sectors + SectorsPerMiB - 1) / SectorsPerMiB * SectorsPerMiB;
        return Math.Max((long)rounded * Sectors.Size, MinimumSize);
    }

    /// <summary>Writes an image of <paramref name="size"/> bytes to the empty <paramref name="disk"/>. GUIDs and serial number come from the files, so that the same files give the same image.</summary>
    /// <exception cref="ImageException">The size is impossible, or the files do not fit.</exception>
    public static void Create(Stream disk, long size, IReadOnlyCollection<ImageFile> files)
    {
        if (size < MinimumSize || size % (1 << 20) != 0)
            throw new ImageException($"The size of an image is a whole number of MiB, at least {MinimumSize >> 20}.");
        byte[] hash = Hash(files);
        ulong last = (ulong)size / Sectors.Size - 1;
        // Whole MiB: what is left in front of the backup stays unused.
        ulong end = (last - GptTable.BackupSectors + 1) / SectorsPerMiB * SectorsPerMiB - 1;
        var partition = new GptPartition(GptPartition.EfiSystem, MakeGuid(hash.AsSpan(16)), PartitionStart, end, Name);
        disk.SetLength(size);
        Fat32Writer.Write(disk, partition.FirstSector, partition.SectorCount, Name, BinaryPrimitives.ReadUInt32LittleEndian(hash), files);
        new GptTable(MakeGuid(hash), [partition]).Write(disk);
        disk.Flush();
    }

    /// <summary>Reads an image and checks all of it.</summary>
    /// <exception cref="ImageException">It is no image, or damaged.</exception>
    public static BootImage Read(Stream disk)
    {
        GptTable table = GptTable.Read(disk);
        foreach (GptPartition partition in table.Partitions)
        {
            if (partition.Type == GptPartition.EfiSystem)
                return new BootImage(table, partition, Fat32Reader.Read(disk, partition.FirstSector, partition.SectorCount));
        }
        throw new ImageException("The image has no EFI system partition.");
    }

    private static byte[] Hash(IReadOnlyCollection<ImageFile> files)
    {
        var sorted = new List<ImageFile>(files);
        sorted.Sort((left, right) => string.CompareOrdinal(left.Path, right.Path));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        foreach (ImageFile file in sorted)
        {
            byte[] path = Encoding.UTF8.GetBytes(file.Path + "\0");
            BinaryPrimitives.WriteInt64LittleEndian(length, file.Contents.LongLength);
            hash.AppendData(path);
            hash.AppendData(length);
            hash.AppendData(file.Contents);
        }
        return hash.GetHashAndReset();
    }

    // A version 8 GUID: all bits but version and variant are the maker's own (RFC 9562, 5.8).
    private static Guid MakeGuid(ReadOnlySpan<byte> bytes)
    {
        Span<byte> guid = stackalloc byte[16];
        bytes[..16].CopyTo(guid);
        guid[7] = (byte)((guid[7] & 0x0f) | 0x80);
        guid[8] = (byte)((guid[8] & 0x3f) | 0x80);
        return new Guid(guid);
    }
}
