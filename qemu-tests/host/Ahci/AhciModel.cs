using System;
using Hv.Drivers.Ahci;
using Hv.Drivers.Ata;
using Hv.Kernel.Io;
using Xunit;

namespace Hv.HostTests;

/// <summary>A software AHCI controller that takes pointers for physical addresses. Strict: what the specification forbids fails the test.</summary>
public sealed unsafe class AhciModel : MmioDevice
{
    private const uint NotReady = 0x7F;

    public readonly Port[] Ports = new Port[6];
    public bool Has64 = true;
    public bool HasHandoff;
    public bool FirmwareLetsGo = true;
    public bool HasListOverride = true;
    public bool LosesPorts;
    public bool NeverResets;
    public int Resets;
    public uint Handoff = AhciRegisters.HandoffFirmware;

    private uint _implemented = 0b110111;
    private uint _control;
    private int _resetTicks;

    public AhciModel()
    {
        for (int index = 0; index < Ports.Length; index++)
            Ports[index] = new Port(this);
    }

    public sealed class Port(AhciModel controller)
    {
        public AtaDriveModel? Drive;
        public bool NeverStops;
        public bool StaysBusy;
        public bool FailsBus;
        public int LinkResets;
        public int LongestTransfer;

        private ulong _list;
        private ulong _fis;
        private uint _interruptStatus;
        private uint _interruptEnable = 0xFF;
        private uint _command;
        private uint _taskFile = NotReady;
        private uint _signature = uint.MaxValue;
        private uint _linkControl;
        private uint _errors = 0x0401_0000;
        private uint _issued;
        private int _ticks;
        private bool _lost;

        /// <summary>As firmware leaves it: running, with lists somewhere and a command under way.</summary>
        public void LeaveRunning()
        {
            _command = 0xC017;
            _issued = 1;
            _taskFile = 0xD0;
            _interruptStatus = 1u << 30;
            _lost = true;
        }

        public void Reset()
        {
            _command = 0;
            _issued = 0;
            _taskFile = NotReady;
            _signature = uint.MaxValue;
            _interruptEnable = 0;
            _linkControl = 0;
            _lost = false;
        }

        public uint Read(uint register) => register switch
        {
            AhciRegisters.PortInterruptStatus => _interruptStatus,
            AhciRegisters.PortCommand => _command,
            AhciRegisters.TaskFile => _taskFile,
            AhciRegisters.Signature => _signature,
            AhciRegisters.LinkStatus => LinkStatus,
            AhciRegisters.CommandIssue => _issued,
            _ => throw new InvalidOperationException($"read of {register:X}"),
        };

        private uint LinkStatus => Drive is null || (_linkControl & 15) == 1 || (_command & AhciRegisters.PortSpinUp) == 0 ? 0u : 0x123u;

        public void Write(uint register, uint value)
        {
            switch (register)
            {
                case AhciRegisters.CommandList:
                    CheckStopped();
                    Assert.Equal(0u, value & 1023);
                    _list = _list >> 32 << 32 | value;
                    break;
                case AhciRegisters.CommandList + 4:
                    Assert.True(controller.Has64 || value == 0);
                    _list = (uint)_list | (ulong)value << 32;
                    break;
                case AhciRegisters.ReceivedFis:
                    CheckStopped();
                    Assert.Equal(0u, value & 255);
                    _fis = _fis >> 32 << 32 | value;
                    break;
                case AhciRegisters.ReceivedFis + 4:
                    Assert.True(controller.Has64 || value == 0);
                    _fis = (uint)_fis | (ulong)value << 32;
                    break;
                case AhciRegisters.PortInterruptStatus:
                    _interruptStatus &= ~value;
                    break;
                case AhciRegisters.PortInterruptEnable:
                    _interruptEnable = value;
                    break;
                case AhciRegisters.PortCommand:
                    WriteCommand(value);
                    break;
                case AhciRegisters.LinkControl:
                    if ((_linkControl & 15) == 1 && (value & 15) == 0)
                    {
                        LinkResets++;
                        _taskFile = NotReady;
                        _issued = 0;
                        _lost = false;
                        NeverStops = false;
                    }
                    _linkControl = value;
                    break;
                case AhciRegisters.LinkError:
                    _errors &= ~value;
                    break;
                case AhciRegisters.CommandIssue:
                    Assert.Equal(1u, value);
                    Assert.Equal(AhciRegisters.PortStart | AhciRegisters.PortReceive, _command & (AhciRegisters.PortStart | AhciRegisters.PortReceive));
                    Assert.Equal(0u, _errors);
                    Assert.Equal(0u, _interruptEnable);
                    Assert.Equal(0u, _issued);
                    _issued = 1;
                    _taskFile = 0x80;
                    break;
                default:
                    throw new InvalidOperationException($"write of {register:X}");
            }
        }

        private void CheckStopped() =>
            Assert.Equal(0u, _command & (AhciRegisters.PortStart | AhciRegisters.PortRunning | AhciRegisters.PortReceive | AhciRegisters.PortReceiveRunning));

        private void WriteCommand(uint value)
        {
            const uint ReadOnly = AhciRegisters.PortRunning | AhciRegisters.PortReceiveRunning;
            bool starts = (value & AhciRegisters.PortStart) != 0 && (_command & AhciRegisters.PortStart) == 0;
            if (starts)
            {
                Assert.NotEqual(0u, value & AhciRegisters.PortReceive);
                Assert.Equal(0u, _taskFile & 0x88);
                Assert.Equal(3u, LinkStatus & 15);
                Assert.Equal(0u, _command & AhciRegisters.PortRunning);
            }
            if ((value & AhciRegisters.PortReceive) == 0 && (_command & AhciRegisters.PortReceive) != 0)
                Assert.Equal(0u, _command & (AhciRegisters.PortStart | AhciRegisters.PortRunning));
            if ((value & AhciRegisters.PortListOverride) != 0)
            {
                Assert.True(controller.HasListOverride);
                Assert.Equal(0u, _command & AhciRegisters.PortRunning);
                _taskFile &= ~0x88u;
                value &= ~AhciRegisters.PortListOverride;
            }
            _command = value & ~ReadOnly | _command & ReadOnly;
        }

        public void Tick()
        {
            if (++_ticks % 2 == 0)
                return;
            if ((_command & AhciRegisters.PortStart) != 0)
            {
                _command |= AhciRegisters.PortRunning;
            }
            else if (!NeverStops)
            {
                _command &= ~AhciRegisters.PortRunning;
                _issued = 0;
            }
            if ((_command & AhciRegisters.PortReceive) != 0)
                _command |= AhciRegisters.PortReceiveRunning;
            else
                _command &= ~AhciRegisters.PortReceiveRunning;
            if (_taskFile == NotReady && LinkStatus != 0 && !StaysBusy && (_command & AhciRegisters.PortReceiveRunning) != 0)
            {
                // The disk's first frame after a reset.
                _signature = Drive!.IsPacketDevice ? 0xEB140101 : 0x101;
                _taskFile = 0x50;
                new Span<byte>((void*)_fis, 256)[0x40] = 0x34;
            }
            if ((_issued & 1) != 0 && (_command & AhciRegisters.PortRunning) != 0 && (_interruptStatus & AhciRegisters.PortFatalErrors) == 0 && !_lost)
                Run();
        }

        private void Run()
        {
            uint* header = (uint*)_list;
            Assert.Equal(5u, header[0] & 31);
            byte* table = (byte*)(header[2] | (ulong)header[3] << 32);
            Assert.Equal(0ul, (ulong)table & 127);
            Assert.Equal(0x27, table[0]);
            Assert.Equal(0x80, table[1]);
            Assert.NotEqual(0, table[7] & AtaCommand.DeviceLba);
            byte code = table[2];
            bool is48 = code is AtaCommand.ReadDmaExt or AtaCommand.WriteDmaExt or AtaCommand.WriteDmaFuaExt
                or AtaCommand.ReadSectorsExt or AtaCommand.WriteSectorsExt or AtaCommand.FlushCacheExt;
            ulong lba = table[4] | (ulong)table[5] << 8 | (ulong)table[6] << 16;
            lba |= is48 ? (ulong)table[8] << 24 | (ulong)table[9] << 32 | (ulong)table[10] << 40 : (ulong)(table[7] & 15) << 24;
            int count = table[12] | (is48 ? table[13] << 8 : 0);
            var command = new AtaTaskFile { Command = code, Lba = lba, Count = (ushort)(count == 0 && !is48 ? 256 : count), Is48 = is48 };
            if (Drive!.Lose is not null && Drive.Lose(command))
            {
                _lost = true;
                return;
            }
            AtaDriveModel.Result result = Drive.Begin(command, out Memory<byte> data);
            if (FailsBus)
            {
                _interruptStatus |= 1u << 29;
                return;
            }
            if (result == AtaDriveModel.Result.Error)
            {
                _taskFile = 0x0451;
                _interruptStatus |= 1u << 30;
                return;
            }
            Assert.Equal(result == AtaDriveModel.Result.ToDisk, (header[0] & 1 << 6) != 0);
            Transfer(data.Span, result == AtaDriveModel.Result.FromDisk, (uint*)(table + 0x80), (int)(header[0] >> 16));
            header[1] = (uint)data.Length;
            _taskFile = 0x50;
            _interruptStatus |= 1;
            _issued = 0;
        }

        private void Transfer(Span<byte> data, bool fromDisk, uint* descriptor, int descriptors)
        {
            LongestTransfer = Math.Max(LongestTransfer, data.Length);
            int done = 0;
            for (int index = 0; index < descriptors; index++, descriptor += 4)
            {
                ulong address = descriptor[0] | (ulong)descriptor[1] << 32;
                int bytes = (int)(descriptor[3] & 0x3FFFFF) + 1;
                Assert.Equal(0ul, address & 1);
                Assert.Equal(0, bytes & 1);
                Assert.Equal(0u, descriptor[3] >> 22);
                Assert.True(controller.Has64 || descriptor[1] == 0);
                var memory = new Span<byte>((void*)address, bytes);
                if (fromDisk)
                    data.Slice(done, bytes).CopyTo(memory);
                else
                    memory.CopyTo(data[done..]);
                done += bytes;
            }
            Assert.Equal(data.Length, done);
        }
    }

    public override ulong ReadMmio(ulong offset, int size)
    {
        Assert.Equal(4, size);
        uint register = (uint)offset;
        if (register >= AhciRegisters.Ports)
        {
            Assert.Equal(0, _resetTicks);
            return Ports[(register - 0x100) / 0x80].Read(register & 0x7F);
        }
        return register switch
        {
            AhciRegisters.Capabilities => 0x1F00u | (HasListOverride ? 1u << 24 : 0) | (Has64 ? 1u << 31 : 0),
            AhciRegisters.GlobalControl => _control,
            AhciRegisters.PortsImplemented => _implemented,
            AhciRegisters.Capabilities2 => HasHandoff ? 1u : 0,
            AhciRegisters.Handoff => Handoff,
            _ => throw new InvalidOperationException($"read of {register:X}"),
        };
    }

    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        Assert.Equal(4, size);
        uint register = (uint)offset;
        if (register >= AhciRegisters.Ports)
        {
            Assert.Equal(AhciRegisters.GlobalEnable, _control & 0x8000_0003);
            Ports[(register - 0x100) / 0x80].Write(register & 0x7F, (uint)value);
            return;
        }
        switch (register)
        {
            case AhciRegisters.GlobalControl:
                if ((value & 1) != 0)
                {
                    Assert.NotEqual(0u, _control & AhciRegisters.GlobalEnable);
                    _resetTicks = 5;
                }
                _control = (uint)value;
                break;
            case AhciRegisters.InterruptStatus:
                break;
            case AhciRegisters.PortsImplemented:
                _implemented = (uint)value;
                break;
            case AhciRegisters.Handoff:
                Handoff = (uint)value;
                break;
            default:
                throw new InvalidOperationException($"write of {register:X}");
        }
    }

    public void Tick()
    {
        if ((Handoff & AhciRegisters.HandoffOs) != 0 && FirmwareLetsGo)
            Handoff &= ~AhciRegisters.HandoffFirmware;
        if (_resetTicks > 0 && !NeverResets && --_resetTicks == 0)
        {
            Resets++;
            _control = 0;
            if (LosesPorts)
                _implemented = 0;
            foreach (Port port in Ports)
                port.Reset();
        }
        foreach (Port port in Ports)
            port.Tick();
    }
}
