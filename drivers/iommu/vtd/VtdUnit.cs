using System;
using System.Threading;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Iommu.Vtd;

/// <summary>One VT-d unit: on, off, invalidation and faults (Intel VT-d 3.3).</summary>
/// <remarks>Interrupt remapping stays off. Faults raise no interrupt; they are looked at when somebody asks.</remarks>
public sealed unsafe class VtdUnit : RemappingUnit
{
    private const ulong Limit = 100_000_000;
    private const int DescriptorBytes = 16;
    private const uint QueueBytes = PageSize.Small;

    private readonly MmioDevice _registers;
    private readonly TimeSource _time;
    private readonly CacheControl _caches;
    private readonly ulong _capability;
    private readonly ulong _extended;
    private HostPhysical _root;
    private byte* _queue;
    private uint* _answer;
    private uint _tail;
    private uint _waits;

    /// <summary>The unit with these <paramref name="registers"/>, of which nothing but capabilities is read. Allocates: at boot only.</summary>
    public VtdUnit(MmioDevice registers, TimeSource time, CacheControl caches)
    {
        _registers = registers;
        _time = time;
        _caches = caches;
        _capability = registers.ReadMmio(VtdRegister.Capability, 8);
        _extended = registers.ReadMmio(VtdRegister.ExtendedCapability, 8);
    }

    /// <summary>Whether something is there, and with what Hv needs: 39 or 48 bits.</summary>
    public bool IsUsable => _capability != ulong.MaxValue && (Has39Bits || Has48Bits);

    /// <summary>Whether nobody uses it: no translation, no interrupt remapping, no queue, no protected memory.</summary>
    public bool IsFree => (Status() & (VtdRegister.Translation | VtdRegister.InterruptRemapping | VtdRegister.QueuedInvalidation)) == 0
        && ((uint)_registers.ReadMmio(VtdRegister.ProtectedMemory, 4) & (VtdRegister.ProtectedEnable | VtdRegister.ProtectedStatus)) == 0;

    /// <summary>Tables may have three levels.</summary>
    public bool Has39Bits => (_capability & VtdRegister.Cap39Bits) != 0;

    /// <summary>Tables may have four levels.</summary>
    public bool Has48Bits => (_capability & VtdRegister.Cap48Bits) != 0;

    /// <summary>How many bits an address may have.</summary>
    public int AddressBits => (int)(_capability >> VtdRegister.CapWidthShift & VtdRegister.CapWidthMask) + 1;

    /// <summary>log2 of the largest page that it knows.</summary>
    public int LargestPageShift => (_capability & VtdRegister.CapLargePages) == 0 ? PageSize.SmallShift
        : (_capability & VtdRegister.CapHugePages) == 0 ? PageSize.LargeShift : PageSize.HugeShift;

    /// <summary>How many bytes of registers there are, in whole pages.</summary>
    public ulong RegisterBytes
    {
        get
        {
            ulong end = Math.Max(FaultRegister(FaultRegisters), IotlbInvalidate + sizeof(ulong));
            return (end + PageSize.Small - 1) & ~((ulong)PageSize.Small - 1);
        }
    }

    /// <summary>
    /// Turns translation on with the root table at <paramref name="root"/>. <paramref name="queue"/>: a zeroed page that the unit may have;
    /// <paramref name="answer"/>: a double word, too. <see cref="Kernel.Status.Timeout"/>: it does not start, and is off.
    /// </summary>
    public Status Enable(HostPhysical root, byte* queue, uint* answer)
    {
        _root = root;
        _queue = queue;
        _answer = answer;
        return Restart();
    }

    /// <inheritdoc/>
    public override Status Restart()
    {
        _tail = 0;
        _waits = 0;
        Volatile.Write(ref *_answer, 0);
        Write32(VtdRegister.FaultControl, VtdRegister.FaultMasked);
        Write32(VtdRegister.FaultStatus, VtdRegister.FaultOverflow | VtdRegister.QueueError);
        _caches.WriteBack();
        bool started = FlushWriteBuffer();
        _registers.WriteMmio(VtdRegister.RootTable, 8, _root.Value);
        started = started && Command(VtdRegister.SetRoot) && StartQueue()
            && Invalidate() == Kernel.Status.Ok && Command(VtdRegister.Translation);
        if (!started)
            Disable();
        return started ? Kernel.Status.Ok : Kernel.Status.Timeout;
    }

    /// <inheritdoc/>
    public override void Disable()
    {
        _ = Stop(VtdRegister.Translation);
        _ = Stop(VtdRegister.QueuedInvalidation);
    }

    /// <inheritdoc/>
    public override Status Invalidate()
    {
        if ((_extended & VtdRegister.EcapCoherent) == 0)
            _caches.WriteBack();
        if (!FlushWriteBuffer())
            return Kernel.Status.Timeout;
        return (HasQueue ? InvalidateByQueue() : InvalidateByRegisters()) ? Kernel.Status.Ok : Kernel.Status.Timeout;
    }

    /// <inheritdoc/>
    public override bool TryTakeFault(out DmaFault fault)
    {
        fault = default;
        uint status = (uint)_registers.ReadMmio(VtdRegister.FaultStatus, 4);
        if (status == uint.MaxValue || (status & VtdRegister.FaultPending) == 0)
            return false;
        int first = (int)(status >> VtdRegister.FaultIndexShift & 0xFF);
        for (int i = 0; i < FaultRegisters; i++)
        {
            ulong register = FaultRegister((first + i) % FaultRegisters);
            ulong high = _registers.ReadMmio(register + VtdRegister.FaultHigh, 8);
            if ((high & VtdRegister.FaultPresent) == 0)
                continue;
            fault.Requester = new PciAddress((ushort)high);
            fault.Reason = (byte)(high >> VtdRegister.FaultReasonShift);
            fault.IsWrite = (high & VtdRegister.FaultIsRead) == 0;
            fault.Address = _registers.ReadMmio(register, 8) & ~((ulong)PageSize.Small - 1);
            Write32(register + VtdRegister.FaultTop, (uint)(VtdRegister.FaultPresent >> 32));
            if ((status & VtdRegister.FaultOverflow) != 0)
                Write32(VtdRegister.FaultStatus, VtdRegister.FaultOverflow);
            return true;
        }
        return false;
    }

    private bool HasQueue => (_extended & VtdRegister.EcapQueue) != 0;

    private int FaultRegisters => (int)(_capability >> VtdRegister.CapFaultCountShift & 0xFF) + 1;

    private ulong IotlbInvalidate => (_extended >> VtdRegister.EcapIotlbOffsetShift & VtdRegister.OffsetMask) * 16 + VtdRegister.IotlbInvalidate;

    private ulong FaultRegister(int index) => (_capability >> VtdRegister.CapFaultOffsetShift & VtdRegister.OffsetMask) * 16 + (ulong)index * 16;

    private uint Status() => (uint)_registers.ReadMmio(VtdRegister.GlobalStatus, 4);

    private void Write32(ulong register, uint value) => _registers.WriteMmio(register, 4, value);

    private bool Command(uint bit)
    {
        Write32(VtdRegister.GlobalCommand, (Status() & VtdRegister.StayingBits) | bit);
        return AwaitStatus(bit, bit);
    }

    private bool Stop(uint bit)
    {
        uint status = Status();
        if ((status & bit) == 0)
            return true;
        Write32(VtdRegister.GlobalCommand, status & VtdRegister.StayingBits & ~bit);
        return AwaitStatus(bit, 0);
    }

    private bool AwaitStatus(uint mask, uint value)
    {
        var deadline = new Deadline(_time, Limit);
        while ((Status() & mask) != value)
        {
            if (deadline.HasPassed)
                return false;
        }
        return true;
    }

    private bool FlushWriteBuffer()
    {
        if ((_capability & VtdRegister.CapWriteBufferFlush) == 0)
            return true;
        Write32(VtdRegister.GlobalCommand, (Status() & VtdRegister.StayingBits) | VtdRegister.WriteBufferFlush);
        return AwaitStatus(VtdRegister.WriteBufferFlush, 0);
    }

    private bool StartQueue()
    {
        if (!HasQueue)
            return true;
        _registers.WriteMmio(VtdRegister.QueueTail, 8, 0);
        _registers.WriteMmio(VtdRegister.QueueAddress, 8, (ulong)_queue);
        return Command(VtdRegister.QueuedInvalidation);
    }

    private bool InvalidateByRegisters() =>
        Ask(VtdRegister.ContextCommand, VtdRegister.ContextInvalidateAll) && Ask(IotlbInvalidate, VtdRegister.IotlbInvalidateAll);

    private bool Ask(ulong register, ulong command)
    {
        _registers.WriteMmio(register, 8, command);
        var deadline = new Deadline(_time, Limit);
        while ((_registers.ReadMmio(register, 8) & VtdRegister.Invalidating) != 0)
        {
            if (deadline.HasPassed)
                return false;
        }
        return true;
    }

    private bool InvalidateByQueue()
    {
        uint expected = ++_waits;
        Enqueue(VtdRegister.DescriptorContext, 0);
        Enqueue(VtdRegister.DescriptorIotlb, 0);
        Enqueue(VtdRegister.DescriptorWait | (ulong)expected << VtdRegister.WaitDataShift, (ulong)_answer);
        if ((_extended & VtdRegister.EcapCoherent) == 0)
            _caches.WriteBack();
        _registers.WriteMmio(VtdRegister.QueueTail, 8, _tail);
        var deadline = new Deadline(_time, Limit);
        while (Volatile.Read(ref *_answer) != expected)
        {
            bool failed = ((uint)_registers.ReadMmio(VtdRegister.FaultStatus, 4) & VtdRegister.QueueError) != 0;
            if (failed || deadline.HasPassed)
                return false;
        }
        return true;
    }

    private void Enqueue(ulong low, ulong high)
    {
        ulong* descriptor = (ulong*)(_queue + _tail);
        Volatile.Write(ref descriptor[1], high);
        Volatile.Write(ref descriptor[0], low);
        _tail = (_tail + DescriptorBytes) % QueueBytes;
    }
}
