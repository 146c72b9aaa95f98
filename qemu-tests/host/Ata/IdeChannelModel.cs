using System;
using Hv.Drivers.Ata;
using Hv.Kernel.Io;
using Xunit;

namespace Hv.HostTests;

/// <summary>A channel of a PIIX-like IDE controller with two drives and bus master registers at C000h. Strict about what the standards forbid.</summary>
public sealed unsafe class IdeChannelModel : PortDevice
{
    public const ushort MasterBase = 0xC000;
    public readonly AtaDriveModel?[] Drives = new AtaDriveModel?[2];
    public bool HasMaster = true;
    public int BusyTicks = 3;
    public bool StaysBusyAfterReset;
    public bool FailsDma;
    public int Resets;
    public int LongestTransfer;

    private readonly byte[] _current = new byte[8];
    private readonly byte[] _previous = new byte[8];
    private byte _status = AtaCommand.StatusReady;
    private byte _control;
    private int _busy;
    private AtaTaskFile _command;
    private bool _isStarting;
    private AtaDriveModel.Result _transfer;
    private Memory<byte> _data;
    private int _position;
    private int _blockEnd;
    private bool _isDma;
    private byte _masterCommand;
    private byte _masterStatus = 0x60;
    private uint _masterTable;

    private int Selected => _current[6] >> 4 & 1;

    private AtaDriveModel? Drive => Drives[Selected];

    /// <summary>As an interrupted firmware driver leaves it: in the middle of a transfer.</summary>
    public void LeaveInTransfer()
    {
        _status = AtaCommand.StatusReady | AtaCommand.StatusDataRequest;
        _masterStatus = 0x67;
        _masterCommand = 9;
    }

    public override uint ReadPort(ushort port, int size)
    {
        if (Drives[0] is null && Drives[1] is null)
            return 0xFF;
        if (port >= MasterBase)
        {
            Assert.True(HasMaster);
            Assert.Equal(1, size);
            return (port - MasterBase) switch { 0 => _masterCommand, 2 => _masterStatus, _ => throw new InvalidOperationException() };
        }
        switch (port)
        {
            case 0x1F0:
                Assert.Equal(2, size);
                Assert.Equal(AtaDriveModel.Result.FromDisk, _transfer);
                uint word = _data.Span[_position] | (uint)_data.Span[_position + 1] << 8;
                Moved();
                return word;
            case 0x1F7:
            case 0x3F6:
                Assert.Equal(1, size);
                return Drive is null ? 0u : _status;
            default:
                Assert.Equal(1, size);
                Assert.Equal(0, _status & AtaCommand.StatusBusy);
                return Drive is null ? 0u : _current[port - 0x1F0];
        }
    }

    public override void WritePort(ushort port, int size, uint value)
    {
        if (port >= MasterBase)
        {
            WriteMaster(port - MasterBase, size, value);
            return;
        }
        if (port == 0x1F0)
        {
            Assert.Equal(2, size);
            Assert.Equal(AtaDriveModel.Result.ToDisk, _transfer);
            _data.Span[_position] = (byte)value;
            _data.Span[_position + 1] = (byte)(value >> 8);
            Moved();
            return;
        }
        Assert.Equal(1, size);
        if (port == 0x3F6)
        {
            if ((value & AtaCommand.ControlSoftReset) != 0 && (_control & AtaCommand.ControlSoftReset) == 0)
                Reset();
            _control = (byte)value;
            return;
        }
        Assert.Equal(0, _status & (AtaCommand.StatusBusy | AtaCommand.StatusDataRequest));
        if (port == 0x1F7)
        {
            Command((byte)value);
            return;
        }
        _previous[port - 0x1F0] = _current[port - 0x1F0];
        _current[port - 0x1F0] = (byte)value;
    }

    public void Tick()
    {
        if (_busy == 0 || --_busy != 0)
            return;
        if (!_isStarting)
        {
            // The end of a reset, or of a PIO block.
            _status = (byte)(AtaCommand.StatusReady | (_position < _data.Length ? AtaCommand.StatusDataRequest : 0));
            return;
        }
        _isStarting = false;
        if (Drive!.Lose is not null && Drive.Lose(_command))
            return;
        _transfer = Drive.Begin(_command, out _data);
        _position = 0;
        LongestTransfer = Math.Max(LongestTransfer, _data.Length);
        if (_transfer == AtaDriveModel.Result.Error)
        {
            _status = AtaCommand.StatusReady | AtaCommand.StatusError;
            return;
        }
        if (_transfer == AtaDriveModel.Result.NoData)
        {
            _status = AtaCommand.StatusReady;
            return;
        }
        _status = AtaCommand.StatusReady | AtaCommand.StatusDataRequest;
        if (_isDma)
        {
            Dma();
            return;
        }
        StartBlock();
    }

    private void StartBlock() =>
        _blockEnd = Math.Min(_position + (_command.Command == AtaCommand.IdentifyDevice ? 512 : Drive!.SectorSize), _data.Length);

    private void Moved()
    {
        Assert.NotEqual(0, _status & AtaCommand.StatusDataRequest);
        _position += 2;
        if (_position < _blockEnd)
            return;
        if (_position < _data.Length || _transfer == AtaDriveModel.Result.ToDisk)
        {
            StartBlock();
            _status = AtaCommand.StatusBusy;
            _busy = BusyTicks;
        }
        else
        {
            _status = AtaCommand.StatusReady;
        }
        if (_position == _data.Length)
            _transfer = AtaDriveModel.Result.NoData;
    }

    private void Command(byte code)
    {
        Assert.NotEqual(0, _control & AtaCommand.ControlNoInterrupts);
        Assert.NotNull(Drive);
        Assert.NotEqual(0, _current[6] & AtaCommand.DeviceLba);
        bool is48 = code is AtaCommand.ReadDmaExt or AtaCommand.WriteDmaExt or AtaCommand.WriteDmaFuaExt
            or AtaCommand.ReadSectorsExt or AtaCommand.WriteSectorsExt or AtaCommand.FlushCacheExt;
        _isDma = code is AtaCommand.ReadDma or AtaCommand.WriteDma or AtaCommand.ReadDmaExt or AtaCommand.WriteDmaExt or AtaCommand.WriteDmaFuaExt;
        ulong lba = _current[3] | (ulong)_current[4] << 8 | (ulong)_current[5] << 16;
        lba |= is48
            ? (ulong)_previous[3] << 24 | (ulong)_previous[4] << 32 | (ulong)_previous[5] << 40
            : (ulong)(_current[6] & 0xF) << 24;
        int count = _current[2] | (is48 ? _previous[2] << 8 : 0);
        _command = new AtaTaskFile { Command = code, Lba = lba, Count = (ushort)(count == 0 && !is48 ? 256 : count), Is48 = is48 };
        _isStarting = true;
        _status = AtaCommand.StatusBusy;
        _busy = BusyTicks;
    }

    private void Reset()
    {
        Resets++;
        _isStarting = false;
        _data = default;
        _position = 0;
        _status = AtaCommand.StatusBusy;
        _busy = StaysBusyAfterReset ? 0 : BusyTicks;
        Array.Clear(_current);
        _current[2] = _current[3] = 1;
        if (Drives[0] is { IsPacketDevice: true })
        {
            _current[4] = 0x14;
            _current[5] = 0xEB;
        }
        Assert.Equal(0, _masterCommand & 1);
    }

    private void WriteMaster(int register, int size, uint value)
    {
        Assert.True(HasMaster);
        switch (register)
        {
            case 0:
                Assert.Equal(1, size);
                if ((value & 1) != 0)
                    _masterStatus |= 1;
                else
                    _masterStatus &= 0xFE;
                _masterCommand = (byte)value;
                break;
            case 2:
                Assert.Equal(1, size);
                _masterStatus = (byte)(_masterStatus & 1 | (byte)value & 0x60 | _masterStatus & ~(byte)value & 6);
                break;
            case 4:
                Assert.Equal(4, size);
                Assert.Equal(0u, value & 3);
                _masterTable = value;
                break;
            default:
                throw new InvalidOperationException();
        }
    }

    private void Dma()
    {
        Assert.Equal(1, _masterCommand & 1);
        Assert.Equal(_transfer == AtaDriveModel.Result.FromDisk, (_masterCommand & 8) != 0);
        if (FailsDma)
        {
            _masterStatus |= 2;
            return;
        }
        uint* entry = (uint*)_masterTable;
        Assert.True((ulong)_masterTable + 8 <= 1ul << 32);
        int done = 0;
        while (true)
        {
            uint address = entry[0];
            int bytes = (int)(entry[1] & 0xFFFF);
            if (bytes == 0)
                bytes = 0x10000;
            Assert.Equal(0u, address & 1);
            Assert.Equal(0, bytes & 1);
            Assert.Equal(address >> 16, (uint)(address + bytes - 1) >> 16);
            var memory = new Span<byte>((void*)(ulong)address, bytes);
            Span<byte> data = _data.Span.Slice(done, bytes);
            if (_transfer == AtaDriveModel.Result.FromDisk)
                data.CopyTo(memory);
            else
                memory.CopyTo(data);
            done += bytes;
            if ((entry[1] & 1u << 31) != 0)
                break;
            entry += 2;
        }
        Assert.Equal(_data.Length, done);
        _masterStatus &= 0xFE;
        _status = AtaCommand.StatusReady;
    }
}
