using System;
using System.Threading;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Iommu.AmdVi;

/// <summary>One AMD-Vi unit: on, off, invalidation and events (AMD I/O Virtualization 3.05).</summary>
/// <remarks>Interrupts are not remapped. Events raise no interrupt; they are looked at when somebody asks.</remarks>
public sealed unsafe class AmdViUnit : RemappingUnit
{
    private const ulong Limit = 100_000_000;
    private const uint EntryBytes = 16, BufferBytes = PageSize.Small;

    private readonly MmioDevice _registers;
    private readonly TimeSource _time;
    private readonly ulong _control;
    private HostPhysical _deviceTable;
    private byte* _commands;
    private byte* _events;
    private ulong* _answer;
    private uint _tail;
    private ulong _waits;

    /// <summary>The unit with these <paramref name="registers"/>; <paramref name="flags"/> as the IVRS has them. Allocates: at boot only.</summary>
    public AmdViUnit(MmioDevice registers, TimeSource time, byte flags)
    {
        _registers = registers;
        _time = time;
        _control = AmdViRegister.Coherent
            | ((flags & AmdViRegister.FlagTunnel) != 0 ? AmdViRegister.Tunnel : 0)
            | ((flags & AmdViRegister.FlagPassPosted) != 0 ? AmdViRegister.PassPosted : 0)
            | ((flags & AmdViRegister.FlagResponsePassPosted) != 0 ? AmdViRegister.ResponsePassPosted : 0)
            | ((flags & AmdViRegister.FlagIsochronous) != 0 ? AmdViRegister.Isochronous : 0);
    }

    /// <summary>Whether something is there, and with what Hv needs: one command that invalidates everything.</summary>
    public bool IsUsable
    {
        get
        {
            ulong features = _registers.ReadMmio(AmdViRegister.ExtendedFeatures, 8);
            return features != ulong.MaxValue && (features & AmdViRegister.InvalidatesAll) != 0;
        }
    }

    /// <summary>Whether nobody uses it.</summary>
    public bool IsFree => (_registers.ReadMmio(AmdViRegister.Control, 8) & (AmdViRegister.Enabled | AmdViRegister.CommandsEnabled)) == 0;

    /// <summary>
    /// Turns translation on with a device table of <see cref="AmdViDeviceTable.Pages"/> pages. <paramref name="commands"/> and <paramref name="events"/>:
    /// zeroed pages that the unit may have; <paramref name="answer"/>: a quad word, too. <see cref="Status.Timeout"/>: it does not start, and is off.
    /// </summary>
    public Status Enable(HostPhysical deviceTable, byte* commands, byte* events, ulong* answer)
    {
        _deviceTable = deviceTable;
        _commands = commands;
        _events = events;
        _answer = answer;
        return Restart();
    }

    /// <inheritdoc/>
    public override Status Restart()
    {
        _tail = 0;
        _waits = 0;
        Volatile.Write(ref *_answer, 0);
        Write(AmdViRegister.Control, 0);
        Write(AmdViRegister.DeviceTable, _deviceTable.Value | (AmdViDeviceTable.Pages - 1));
        Write(AmdViRegister.CommandBuffer, (ulong)_commands | AmdViRegister.Entries256);
        Write(AmdViRegister.EventLog, (ulong)_events | AmdViRegister.Entries256);
        Write(AmdViRegister.CommandHead, 0);
        Write(AmdViRegister.CommandTail, 0);
        Write(AmdViRegister.EventHead, 0);
        Write(AmdViRegister.EventTail, 0);
        Write(AmdViRegister.Control, _control | AmdViRegister.EventLogEnabled | AmdViRegister.CommandsEnabled | AmdViRegister.Enabled);
        Status status = Invalidate();
        if (status != Status.Ok)
            Disable();
        return status;
    }

    /// <inheritdoc/>
    public override void Disable() => Write(AmdViRegister.Control, 0);

    /// <inheritdoc/>
    public override Status Invalidate()
    {
        ulong expected = ++_waits;
        Enqueue(AmdViRegister.InvalidateAll << AmdViRegister.OperationShift, 0);
        Enqueue(AmdViRegister.CompletionWait << AmdViRegister.OperationShift | (ulong)_answer | AmdViRegister.CompletionStore, expected);
        Write(AmdViRegister.CommandTail, _tail);
        var deadline = new Deadline(_time, Limit);
        while (Volatile.Read(ref *_answer) != expected)
        {
            if (deadline.HasPassed)
                return Status.Timeout;
        }
        return Status.Ok;
    }

    /// <inheritdoc/>
    public override bool TryTakeFault(out DmaFault fault)
    {
        fault = default;
        ulong head = _registers.ReadMmio(AmdViRegister.EventHead, 8) & AmdViRegister.PlaceMask;
        if (head == (_registers.ReadMmio(AmdViRegister.EventTail, 8) & AmdViRegister.PlaceMask))
        {
            RestartLog();
            return false;
        }
        ulong* entry = (ulong*)(_events + head);
        ulong low = Volatile.Read(ref entry[0]);
        fault.Requester = new PciAddress((ushort)low);
        fault.Reason = (byte)(low >> AmdViRegister.EventCodeShift);
        fault.IsWrite = (low & AmdViRegister.EventIsWrite) != 0;
        fault.Address = Volatile.Read(ref entry[1]);
        Write(AmdViRegister.EventHead, (head + EntryBytes) % BufferBytes);
        return true;
    }

    // A log that was full has stopped (2.5.2).
    private void RestartLog()
    {
        if ((_registers.ReadMmio(AmdViRegister.Status, 8) & AmdViRegister.EventOverflow) == 0)
            return;
        ulong control = _control | AmdViRegister.CommandsEnabled | AmdViRegister.Enabled;
        Write(AmdViRegister.Control, control);
        var deadline = new Deadline(_time, Limit);
        while ((_registers.ReadMmio(AmdViRegister.Status, 8) & AmdViRegister.EventLogRuns) != 0 && !deadline.HasPassed)
        {
        }
        Write(AmdViRegister.Status, AmdViRegister.EventOverflow);
        Write(AmdViRegister.Control, control | AmdViRegister.EventLogEnabled);
    }

    private void Write(ulong register, ulong value) => _registers.WriteMmio(register, 8, value);

    private void Enqueue(ulong low, ulong high)
    {
        ulong* command = (ulong*)(_commands + _tail);
        Volatile.Write(ref command[0], low);
        Volatile.Write(ref command[1], high);
        _tail = (_tail + EntryBytes) % BufferBytes;
    }
}
