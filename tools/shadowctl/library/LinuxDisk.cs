using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hv.ShadowControl;

/// <summary>A disk of Linux.</summary>
public sealed unsafe class LinuxDisk : IDisk
{
    // _IO(0x12, 105) of linux/blkpg.h, and its operation to add a partition.
    private const ulong PartitionIoctl = 0x1269;
    private const int AddPartition = 1;
    private const int NameLength = 64;

    private readonly SafeFileHandle _file;
    private readonly string _path;

    private LinuxDisk(SafeFileHandle file, string path, int sectorSize, ulong sectorCount)
    {
        _file = file;
        _path = path;
        SectorSize = sectorSize;
        SectorCount = sectorCount;
    }

    /// <inheritdoc/>
    public int SectorSize { get; }

    /// <inheritdoc/>
    public ulong SectorCount { get; }

    /// <summary>Opens the block device <paramref name="path"/>.</summary>
    /// <exception cref="ControlException">It cannot be opened for writing.</exception>
    public static LinuxDisk Open(string path, int sectorSize, ulong sectorCount)
    {
        try
        {
            return new LinuxDisk(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), path, sectorSize, sectorCount);
        }
        catch (UnauthorizedAccessException)
        {
            throw new ControlException(ExitCode.NotPermitted, $"Only root may write to {path}.");
        }
        catch (IOException problem)
        {
            throw new ControlException(ExitCode.Failed, $"{path} cannot be opened: {problem.Message}");
        }
    }

    /// <inheritdoc/>
    public void Read(ulong sector, Span<byte> bytes)
    {
        for (int done = 0; done < bytes.Length;)
        {
            int count = RandomAccess.Read(_file, bytes[done..], (long)sector * SectorSize + done);
            if (count == 0)
                throw new ControlException(ExitCode.Failed, $"{_path} is shorter than it says.");
            done += count;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong sector, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_file, bytes, (long)sector * SectorSize);

    /// <inheritdoc/>
    public void Flush() => RandomAccess.FlushToDisk(_file);

    /// <inheritdoc/>
    public void AnnouncePartition(int number, ulong firstSector, ulong sectorCount)
    {
        Partition partition = default;
        partition.Start = (long)firstSector * SectorSize;
        partition.Length = (long)sectorCount * SectorSize;
        partition.Number = number;
        var argument = new PartitionArgument { Operation = AddPartition, DataLength = sizeof(Partition), Data = &partition };
        if (DeviceControl((int)_file.DangerousGetHandle(), PartitionIoctl, &argument) != 0)
            throw new ControlException(ExitCode.Failed, $"The partition was made, but the kernel does not take it: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int DeviceControl(int descriptor, ulong request, void* argument);

    // struct blkpg_partition
    private struct Partition
    {
        public long Start, Length;
        public int Number;
        public fixed byte DeviceName[NameLength], VolumeName[NameLength];
    }

    // struct blkpg_ioctl_arg
    private struct PartitionArgument
    {
        public int Operation, Flags, DataLength;
        public void* Data;
    }
}
