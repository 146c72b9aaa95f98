using System;
using System.Buffers.Binary;
using Hv.Drivers.Nvme.Spec;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>What Get Log Page shows (NVM Express 1.4, 5.14.1): errors, health, firmware, changed namespaces.</summary>
internal sealed class LogPages
{
    /// <summary>How many errors are remembered.</summary>
    public const int ErrorEntries = 4;
    /// <summary>The temperature that the controller reports: 25 degrees Celsius.</summary>
    public const ushort Kelvin = 298;
    /// <summary>The temperature at which it would warn.</summary>
    public const ushort WarningKelvin = 343;
    /// <summary>The temperature at which it would stop.</summary>
    public const ushort CriticalKelvin = 353;

    private const uint DataUnitSectors = 1000;
    private const ushort NoParameter = 0xFFFF;

    private readonly byte[] _errors = new byte[ErrorEntries * NvmeLogPage.ErrorEntryBytes];
    private ulong _errorCount;
    private ulong _readCommands;
    private ulong _writeCommands;
    private ulong _readBytes;
    private ulong _writtenBytes;
    private uint _changedNamespaces;

    public void Reset()
    {
        new Span<byte>(_errors).Clear();
        _errorCount = 0;
        _readCommands = 0;
        _writeCommands = 0;
        _readBytes = 0;
        _writtenBytes = 0;
        _changedNamespaces = 0;
    }

    public void CopyFrom(LogPages other)
    {
        new ReadOnlySpan<byte>(other._errors).CopyTo(_errors);
        _errorCount = other._errorCount;
        _readCommands = other._readCommands;
        _writeCommands = other._writeCommands;
        _readBytes = other._readBytes;
        _writtenBytes = other._writtenBytes;
        _changedNamespaces = other._changedNamespaces;
    }

    public void CountRead(ulong bytes)
    {
        _readCommands++;
        _readBytes += bytes;
    }

    public void CountWrite(ulong bytes)
    {
        _writeCommands++;
        _writtenBytes += bytes;
    }

    /// <summary>Remembers that the namespace with this number (1 to 31) came, went or changed.</summary>
    public void AddChangedNamespace(uint id) => _changedNamespaces |= 1u << (int)id;

    /// <summary>The guest has read the list of changed namespaces.</summary>
    public void ForgetChangedNamespaces() => _changedNamespaces = 0;

    /// <summary>Remembers an error; FFFFh as queue and command stands for an error that belongs to no command.</summary>
    public void AddError(ushort queue, ushort commandId, ushort status, uint namespaceId, ulong lba)
    {
        Span<byte> errors = _errors;
        for (int i = errors.Length - 1; i >= NvmeLogPage.ErrorEntryBytes; i--)
            errors[i] = errors[i - NvmeLogPage.ErrorEntryBytes];
        Span<byte> entry = errors.Slice(0, NvmeLogPage.ErrorEntryBytes);
        entry.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(entry, ++_errorCount);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.Slice(8), queue);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.Slice(10), commandId);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.Slice(12), (ushort)(status << 1));
        BinaryPrimitives.WriteUInt16LittleEndian(entry.Slice(14), NoParameter);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.Slice(16), lba);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(24), namespaceId);
    }

    /// <summary>Writes log page <paramref name="page"/> to the start of <paramref name="to"/> (4 KiB, cleared). Its length in bytes; 0 if there is no such page.</summary>
    public int Write(byte page, ReadOnlySpan<byte> firmware, Span<byte> to)
    {
        switch (page)
        {
            case NvmeLogPage.ErrorInformation:
                new ReadOnlySpan<byte>(_errors).CopyTo(to);
                return _errors.Length;
            case NvmeLogPage.Smart:
                WriteSmart(to);
                return NvmeLogPage.SmartBytes;
            case NvmeLogPage.FirmwareSlot:
                to[0] = 1;
                firmware.CopyTo(to.Slice(8));
                return NvmeLogPage.SmartBytes;
            case NvmeLogPage.ChangedNamespaces:
                WriteChangedNamespaces(to);
                return NvmeLogPage.ChangedNamespacesBytes;
            default:
                return 0;
        }
    }

    private void WriteSmart(Span<byte> to)
    {
        const int sectorShift = 9;
        const byte sparePercent = 100;
        const byte spareThresholdPercent = 10;
        BinaryPrimitives.WriteUInt16LittleEndian(to.Slice(1), Kelvin);
        to[3] = sparePercent;
        to[4] = spareThresholdPercent;
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(32), DataUnits(_readBytes >> sectorShift));
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(48), DataUnits(_writtenBytes >> sectorShift));
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(64), _readCommands);
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(80), _writeCommands);
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(176), _errorCount);
    }

    /// <summary>Thousands of sectors, rounded up.</summary>
    private static ulong DataUnits(ulong sectors) => (sectors + DataUnitSectors - 1) / DataUnitSectors;

    private void WriteChangedNamespaces(Span<byte> to)
    {
        int at = 0;
        for (uint id = 1; id < 32; id++)
        {
            if ((_changedNamespaces >> (int)id & 1) == 0)
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(to.Slice(at), id);
            at += sizeof(uint);
        }
    }
}
