using System.Collections.Generic;
using System.Numerics;
using Hv.Drivers.Iommu.Vtd;
using Hv.Drivers.Pci.Host;
using Hv.Kernel.Io;
using Xunit;

namespace Hv.HostTests;

/// <summary>
/// A VT-d unit as the manual describes it: takes commands one at a time, walks the tables in memory, and remembers what it has found until it is told to
/// forget it.
/// </summary>
public sealed unsafe class VtdModel : RemappingModel
{
    public const ulong FaultOffset = 0x220, IotlbOffset = 0xF0;
    public const ulong Usual = VtdRegister.Cap48Bits | VtdRegister.CapLargePages | VtdRegister.CapHugePages | 47ul << 16 | FaultOffset / 16 << 24 | 1ul << 40;
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;

    public ulong Capability = Usual;
    public ulong Extended = VtdRegister.EcapQueue | VtdRegister.EcapCoherent | IotlbOffset / 16 << 8;
    public uint Status;
    public uint ProtectedMemory;
    public bool IgnoresQueue;
    public int QueueInvalidations;
    public int RegisterInvalidations;
    public int BufferFlushes;

    private readonly Dictionary<ushort, (ulong Low, ulong High)> _contexts = [];
    private readonly Dictionary<(ushort, ulong), ulong> _pages = [];
    private readonly ulong[] _faults = new ulong[4];
    private ulong _rootRegister, _root, _queue, _head, _tail;
    private uint _faultStatus = 0x11;

    public override bool IsOn => (Status & VtdRegister.Translation) != 0;

    public uint FaultControl { get; private set; }

    public override void LosePower()
    {
        Status = 0;
        _rootRegister = _root = _queue = _head = _tail = 0;
        _contexts.Clear();
        _pages.Clear();
    }

    public override ulong ReadMmio(ulong offset, int size)
    {
        switch (offset)
        {
            case VtdRegister.Capability: return Capability;
            case VtdRegister.ExtendedCapability: return Extended;
            case VtdRegister.GlobalStatus: return Status;
            case VtdRegister.FaultStatus: return _faultStatus | (_faults[1] | _faults[3]) >> 63 << 1;
            case VtdRegister.ProtectedMemory: return ProtectedMemory;
            case VtdRegister.QueueHead: return _head;
            case VtdRegister.ContextCommand:
            case IotlbOffset + VtdRegister.IotlbInvalidate:
                return IgnoresCommands ? VtdRegister.Invalidating : 0;
            case >= FaultOffset and < FaultOffset + 32:
                Assert.Equal(8, size);
                return _faults[(offset - FaultOffset) / 8];
            default:
                Assert.Fail($"read of {offset:x}");
                return 0;
        }
    }

    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        switch (offset)
        {
            case VtdRegister.GlobalCommand:
                Assert.Equal(4, size);
                Command((uint)value);
                break;
            case VtdRegister.RootTable:
                Assert.False(IsOn);
                _rootRegister = value;
                break;
            case VtdRegister.FaultControl:
                FaultControl = (uint)value;
                break;
            case VtdRegister.FaultStatus:
                _faultStatus &= ~((uint)value & (VtdRegister.FaultOverflow | VtdRegister.QueueError));
                break;
            case VtdRegister.QueueAddress:
                Assert.Equal(0u, Status & VtdRegister.QueuedInvalidation);
                _queue = value;
                _head = 0;
                break;
            case VtdRegister.QueueTail:
                _tail = value;
                RunQueue();
                break;
            case VtdRegister.ContextCommand:
                Assert.Equal(VtdRegister.ContextInvalidateAll, value);
                Assert.Equal(0u, Status & VtdRegister.QueuedInvalidation);
                _contexts.Clear();
                RegisterInvalidations++;
                break;
            case IotlbOffset + VtdRegister.IotlbInvalidate:
                Assert.Equal(VtdRegister.IotlbInvalidateAll, value);
                _pages.Clear();
                RegisterInvalidations++;
                break;
            case FaultOffset + VtdRegister.FaultTop or FaultOffset + 16 + VtdRegister.FaultTop:
                Assert.Equal((4, 1ul << 31), (size, value));
                _faults[(offset - FaultOffset) / 8] = 0;
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
        byte reason = Walk(device, address, write);
        if (reason != 0)
            Record(device, address, write, reason);
        return reason == 0;
    }

    private void Command(uint value)
    {
        uint staying = Status & VtdRegister.StayingBits, change = value ^ staying;
        Assert.Equal(1, BitOperations.PopCount(change));
        if (IgnoresCommands)
            return;
        if (change == VtdRegister.SetRoot)
        {
            _root = _rootRegister;
            Status |= VtdRegister.SetRoot;
        }
        else if (change == VtdRegister.WriteBufferFlush)
        {
            BufferFlushes++;
        }
        else
        {
            Assert.True(change is VtdRegister.Translation or VtdRegister.QueuedInvalidation);
            Status ^= change;
        }
    }

    private void RunQueue()
    {
        if ((Status & VtdRegister.QueuedInvalidation) == 0 || IgnoresQueue)
            return;
        for (; _head != _tail; _head = (_head + 16) & 0xFF0)
        {
            ulong* descriptor = (ulong*)(_queue + _head);
            switch (descriptor[0] & 0xF)
            {
                case 1:
                    Assert.Equal(VtdRegister.DescriptorContext, descriptor[0]);
                    _contexts.Clear();
                    break;
                case 2:
                    Assert.Equal(VtdRegister.DescriptorIotlb, descriptor[0]);
                    _pages.Clear();
                    QueueInvalidations++;
                    break;
                case 5:
                    *(uint*)descriptor[1] = (uint)(descriptor[0] >> 32);
                    break;
                default:
                    _faultStatus |= VtdRegister.QueueError;
                    return;
            }
        }
    }

    private byte Walk(PciAddress device, ulong address, bool write)
    {
        if (!_contexts.TryGetValue(device.Value, out (ulong Low, ulong High) context))
        {
            ulong root = ((ulong*)_root)[device.Bus * 2];
            if ((root & 1) == 0)
                return 1;
            ulong* entry = (ulong*)(root & AddressMask) + (device.Value & 0xFF) * 2;
            context = (entry[0], entry[1]);
            if ((context.Low & 1) == 0)
                return 2;
            Assert.Equal(0ul, context.Low & 0xFFE);
            Assert.NotEqual(0ul, context.High >> 8);
            _contexts[device.Value] = context;
        }
        if (!_pages.TryGetValue((device.Value, address >> 12), out ulong leaf))
        {
            int levels = (int)(context.High & 7) + 2;
            Assert.True(levels == 4 ? (Capability & VtdRegister.Cap48Bits) != 0 : levels == 3 && (Capability & VtdRegister.Cap39Bits) != 0);
            leaf = Leaf(context.Low & AddressMask, levels, address);
            if ((leaf & 3) != 0)
                _pages[(device.Value, address >> 12)] = leaf;
        }
        return (leaf & (write ? 2ul : 1)) != 0 ? (byte)0 : (byte)(write ? 5 : 6);
    }

    private ulong Leaf(ulong table, int levels, ulong address)
    {
        if (address >> 12 + 9 * levels != 0)
            return 0;
        for (int level = levels - 1; ; level--)
        {
            ulong entry = ((ulong*)table)[address >> 12 + 9 * level & 511];
            if ((entry & 3) == 0)
                return 0;
            Assert.Equal(0ul, entry & ~AddressMask & ~(level is 1 or 2 ? 0x83ul : 3));
            bool large = level > 0 && (entry & 0x80) != 0;
            if (large)
                Assert.NotEqual(0ul, Capability & (level == 2 ? VtdRegister.CapHugePages : VtdRegister.CapLargePages));
            if (large || level == 0)
            {
                Assert.Equal(address >> 12 + 9 * level, (entry & AddressMask) >> 12 + 9 * level);
                return entry;
            }
            table = entry & AddressMask;
        }
    }

    private void Record(PciAddress device, ulong address, bool write, byte reason)
    {
        int free = _faults[1] == 0 ? 0 : _faults[3] == 0 ? 1 : -1;
        if (free < 0)
        {
            _faultStatus |= VtdRegister.FaultOverflow;
            return;
        }
        _faults[free * 2] = address & ~0xFFFul;
        _faults[free * 2 + 1] = VtdRegister.FaultPresent | (write ? 0 : VtdRegister.FaultIsRead) | (ulong)reason << 32 | device.Value;
        if (_faults[3 - free * 2] == 0)
            _faultStatus = (_faultStatus & 0xFF) | (uint)free << 8;
    }
}
