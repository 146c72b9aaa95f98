using System;
using System.Buffers.Binary;
using System.Text;
using Hv.Drivers.Ata;
using Xunit;

namespace Hv.HostTests;

/// <summary>A disk that knows the ATA command set, whatever carries the commands to it.</summary>
public sealed class AtaDriveModel
{
    public readonly byte[] Disk;
    public readonly int SectorSize;
    public bool Has48 = true;
    public bool HasDma = true;
    public bool HasForceUnitAccess = true;
    public bool HasFlush = true;
    public bool IsPacketDevice;

    /// <summary>Commands to fail.</summary>
    public Func<AtaTaskFile, bool>? Fault;
    /// <summary>Commands never to answer.</summary>
    public Func<AtaTaskFile, bool>? Lose;

    public int Flushes;
    public int ForcedWrites;
    public int Commands;
    public byte LastCommand;

    public AtaDriveModel(int sectors, int sectorSize = 512)
    {
        SectorSize = sectorSize;
        Disk = new byte[sectors * sectorSize];
    }

    /// <summary>What a command is to do with the disk.</summary>
    public enum Result
    {
        Error,
        NoData,
        FromDisk,
        ToDisk,
    }

    /// <summary>Starts a command; for data, <paramref name="data"/> is what moves.</summary>
    public Result Begin(AtaTaskFile command, out Memory<byte> data)
    {
        data = default;
        Commands++;
        LastCommand = command.Command;
        if (Fault is not null && Fault(command))
            return Result.Error;
        switch (command.Command)
        {
            case AtaCommand.IdentifyDevice:
                data = Identify();
                return IsPacketDevice ? Result.Error : Result.FromDisk;
            case AtaCommand.FlushCacheExt when Has48:
            case AtaCommand.FlushCache:
                Flushes++;
                return HasFlush ? Result.NoData : Result.Error;
            case AtaCommand.WriteDmaFuaExt when HasForceUnitAccess:
                ForcedWrites++;
                break;
            case AtaCommand.ReadDma or AtaCommand.WriteDma when HasDma:
            case AtaCommand.ReadDmaExt or AtaCommand.WriteDmaExt when HasDma && Has48:
            case AtaCommand.ReadSectors or AtaCommand.WriteSectors:
            case AtaCommand.ReadSectorsExt or AtaCommand.WriteSectorsExt when Has48:
                break;
            default:
                return Result.Error;
        }
        bool is48 = command.Command is AtaCommand.ReadDmaExt or AtaCommand.WriteDmaExt or AtaCommand.WriteDmaFuaExt
            or AtaCommand.ReadSectorsExt or AtaCommand.WriteSectorsExt;
        Assert.Equal(Has48, is48);
        int count = command.Count == 0 ? is48 ? 65536 : 256 : command.Count;
        if (command.Lba + (ulong)count > (ulong)(Disk.Length / SectorSize))
            return Result.Error;
        data = Disk.AsMemory((int)command.Lba * SectorSize, count * SectorSize);
        return command.Command is AtaCommand.ReadDma or AtaCommand.ReadDmaExt or AtaCommand.ReadSectors or AtaCommand.ReadSectorsExt
            ? Result.FromDisk
            : Result.ToDisk;
    }

    private byte[] Identify()
    {
        var data = new byte[512];
        void Word(int word, int value) => BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(2 * word), (ushort)value);
        void Text(int word, string text, int length)
        {
            byte[] ascii = Encoding.ASCII.GetBytes(text.PadRight(length));
            for (int index = 0; index < length; index++)
                data[2 * word + (index ^ 1)] = ascii[index];
        }
        ulong sectors = (ulong)(Disk.Length / SectorSize);
        Text(10, "  SN-42", 20);
        Text(23, "FW1", 8);
        Text(27, "MODEL ATA DISK", 40);
        Word(49, 1 << 9 | (HasDma ? 1 << 8 : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(120), (uint)Math.Min(sectors, 0x0FFFFFFF));
        Word(82, HasFlush ? 1 << 5 : 0);
        Word(83, 1 << 14 | (Has48 ? 1 << 10 : 0) | (HasFlush ? 1 << 12 | (Has48 ? 1 << 13 : 0) : 0));
        Word(84, 1 << 14 | (HasForceUnitAccess ? 1 << 6 : 0));
        if (Has48)
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(200), sectors);
        if (SectorSize != 512)
        {
            Word(106, 1 << 14 | 1 << 12);
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(234), (uint)SectorSize / 2);
        }
        return data;
    }
}
