using System.Collections.Generic;
using Hv.Drivers.Iommu.AmdVi;
using Hv.Drivers.Pci.Host;
using Hv.Kernel.Io;
using Xunit;

namespace Hv.HostTests;

/// <summary>An AMD-Vi unit as the manual describes it: it remembers what it has found in its tables until it is told to forget it.</summary>
public sealed unsafe class AmdViModel : RemappingModel
{
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000, Read = 1ul << 61, Write = 1ul << 62;

    public ulong Features = AmdViRegister.InvalidatesAll | 0x20;
    public ulong Control;

    private readonly Dictionary<ushort, (ulong Low, ulong Next)> _devices = [];
    private readonly Dictionary<(ushort, ulong), ulong> _pages = [];
    private ulong _deviceTable, _commands, _events, _commandHead, _commandTail, _eventHead, _eventTail, _status;

    public override bool IsOn => (Control & AmdViRegister.Enabled) != 0;

    public override void LosePower()
    {
        Control = 0;
        _deviceTable = _commands = _events = _commandHead = _commandTail = _eventHead = _eventTail = _status = 0;
        _devices.Clear();
        _pages.Clear();
    }

    public override ulong ReadMmio(ulong offset, int size)
    {
        Assert.Equal(8, size);
        return offset switch
        {
            AmdViRegister.ExtendedFeatures => Features,
            AmdViRegister.Control => Control,
            AmdViRegister.EventHead => _eventHead,
            AmdViRegister.EventTail => _eventTail,
            AmdViRegister.Status => _status | ((Control & AmdViRegister.EventLogEnabled) != 0 && _status == 0 ? AmdViRegister.EventLogRuns : 0),
            _ => throw new Xunit.Sdk.XunitException($"read of {offset:x}"),
        };
    }

    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        Assert.Equal(8, size);
        switch (offset)
        {
            case AmdViRegister.DeviceTable:
                Assert.False(IsOn);
                Assert.Equal(0x1FFul, value & 0xFFF);
                _deviceTable = value & AddressMask;
                break;
            case AmdViRegister.CommandBuffer:
                Assert.Equal(8ul, value >> 56);
                _commands = value & AddressMask;
                break;
            case AmdViRegister.EventLog:
                Assert.Equal(8ul, value >> 56);
                _events = value & AddressMask;
                break;
            case AmdViRegister.Control:
                Control = value;
                break;
            case AmdViRegister.CommandHead:
                Assert.False(IsOn);
                _commandHead = value;
                break;
            case AmdViRegister.CommandTail:
                _commandTail = value;
                RunCommands();
                break;
            case AmdViRegister.EventHead:
                _eventHead = value;
                break;
            case AmdViRegister.EventTail:
                Assert.False(IsOn);
                _eventTail = value;
                break;
            case AmdViRegister.Status:
                Assert.Equal(0ul, Control & AmdViRegister.EventLogEnabled);
                _status &= ~value;
                break;
            default:
                Assert.Fail($"write of {offset:x}");
                break;
        }
    }

    public override bool Request(PciAddress device, ulong address, bool write)
    {
        if (!IsOn)
            return true;
        if (!_devices.TryGetValue(device.Value, out (ulong Low, ulong Next) entry))
        {
            ulong* words = (ulong*)_deviceTable + device.Value * 4;
            entry = (words[0], words[1]);
            _devices[device.Value] = entry;
        }
        if ((entry.Low & 1) == 0)
            return true;
        Assert.Equal(3ul, entry.Low & 0x80300000000001FF);
        Assert.NotEqual(0ul, entry.Next & 0xFFFF);
        bool allowed = (Rights(device, entry.Low, address) & (write ? Write : Read)) != 0;
        if (!allowed)
            Record(device, address, write);
        return allowed;
    }

    private ulong Rights(PciAddress device, ulong entry, ulong address)
    {
        if (_pages.TryGetValue((device.Value, address >> 12), out ulong known))
            return known & entry;
        ulong rights = entry & (Read | Write);
        int level = (int)(entry >> 9 & 7);
        Assert.Equal(4, level);
        if (address >> 48 != 0)
            return 0;
        while (level > 0)
        {
            ulong step = ((ulong*)(entry & AddressMask))[address >> 3 + 9 * level & 511];
            if ((step & 1) == 0)
                return 0;
            Assert.Equal(0ul, step & 0x9FF0_0000_0000_01FE);
            rights &= step;
            int next = (int)(step >> 9 & 7);
            if (next == 0)
            {
                Assert.Equal(address >> 3 + 9 * level, (step & AddressMask) >> 3 + 9 * level);
                _pages[(device.Value, address >> 12)] = rights;
                return rights;
            }
            Assert.Equal(level - 1, next);
            level = next;
            entry = step;
        }
        return 0;
    }

    private void RunCommands()
    {
        if (!IsOn || (Control & AmdViRegister.CommandsEnabled) == 0 || IgnoresCommands)
            return;
        for (; _commandHead != _commandTail; _commandHead = (_commandHead + 16) & 0xFF0)
        {
            ulong* command = (ulong*)(_commands + _commandHead);
            switch (command[0] >> 60)
            {
                case 1:
                    Assert.Equal(1ul, command[0] & 7);
                    *(ulong*)(command[0] & 0x000F_FFFF_FFFF_FFF8) = command[1];
                    break;
                case 8:
                    _devices.Clear();
                    _pages.Clear();
                    break;
                default:
                    Assert.Fail("an illegal command");
                    break;
            }
        }
    }

    private void Record(PciAddress device, ulong address, bool write)
    {
        if ((Control & AmdViRegister.EventLogEnabled) == 0 || _status != 0)
            return;
        ulong next = (_eventTail + 16) & 0xFF0;
        if (next == _eventHead)
        {
            _status = AmdViRegister.EventOverflow;
            return;
        }
        ulong* entry = (ulong*)(_events + _eventTail);
        entry[0] = 2ul << 60 | (write ? 1ul << 53 : 0) | device.Value;
        entry[1] = address;
        _eventTail = next;
    }
}
