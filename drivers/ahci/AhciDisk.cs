using System;
using System.Threading;
using Hv.Drivers.Ata;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Drivers.Ahci;

/// <summary>The disk at one port of an <see cref="AhciController"/>. Uses command slot 0 only: commands without queueing run one by one anyway.</summary>
public sealed unsafe class AhciDisk : AtaDisk
{
    // A page holds the command list and the area for received FISes, another one the command table (4.2).
    private const int ReceivedFisOffset = 1024;
    private const int DescriptorsOffset = 0x80;
    private const int DescriptorWords = 4;
    // A descriptor takes 4 MiB (4.2.3.3).
    private const ulong DescriptorBoundary = 4 * 1024 * 1024;

    // Command header: length of the FIS in double words, direction, number of descriptors (4.2.2).
    private const uint HeaderWrite = 1 << 6;
    private const int HeaderDescriptorsShift = 16;

    // Register FIS, host to device (Serial ATA 3.0, 10.3.4).
    private const int FisBytes = 20;
    private const byte FisType = 0x27;
    private const byte FisIsCommand = 0x80;

    private const ulong Millisecond = 1_000_000;
    private const ulong StopLimit = 500 * Millisecond;
    private const ulong LinkLimit = 1000 * Millisecond;
    private const ulong LinkResetWidth = Millisecond;
    private const ulong SpinUpLimit = 31_000 * Millisecond;

    private readonly AhciController _controller;
    private readonly MmioDevice _registers;
    private readonly uint _base;
    private byte* _list;
    private byte* _table;

    /// <summary>Drives port <paramref name="port"/>. Allocates: at boot only. Nothing works before <see cref="Initialize"/>.</summary>
    public AhciDisk(AhciController controller, TimeSource time, int port) : base(time, DiskKind.Ahci, (uint)port, DescriptorBoundary)
    {
        _controller = controller;
        _registers = controller.Registers;
        _base = AhciRegisters.Ports + (uint)port * AhciRegisters.PortBytes;
    }

    /// <inheritdoc/>
    protected override bool CanUseDma => true;

    /// <summary>
    /// Takes memory (below 4 GiB if the controller has no 64-bit addresses), starts the port and finds out about the disk. After
    /// <see cref="AhciController.Reset"/>, at boot only. <see cref="Status.NotFound"/>: no disk there.
    /// </summary>
    public Status Initialize(PageSource pages)
    {
        if ((_controller.Ports >> (int)Identity.Unit & 1) == 0)
            return Status.NotFound;
        Status status = StopPort();
        if (status != Status.Ok)
            return status;
        Write(AhciRegisters.PortCommand, Read(AhciRegisters.PortCommand) | AhciRegisters.PortPowerOn | AhciRegisters.PortSpinUp);
        // Before any memory is taken: most ports have no disk.
        if (!WaitForLink())
            return Status.NotFound;
        bool is32 = !_controller.Has64BitAddresses;
        _list = AtaScatterList.TakePage(pages, is32);
        _table = AtaScatterList.TakePage(pages, is32);
        byte* page = AtaScatterList.TakePage(pages, is32);
        if (_list == null || _table == null || page == null || (is32 && Memory.Limit(pages) != Status.Ok))
            return Status.OutOfMemory;
        status = StartPort();
        if (status != Status.Ok)
            return Status.NotFound;
        if (Read(AhciRegisters.Signature) != AhciRegisters.SignatureDisk)
        {
            StopPort();
            return Status.NotFound;
        }
        return Identify(page);
    }

    /// <inheritdoc/>
    public override Status WakeUp()
    {
        Status status = _controller.Reset();
        if (status != Status.Ok)
            return status;
        Write(AhciRegisters.PortCommand, Read(AhciRegisters.PortCommand) | AhciRegisters.PortPowerOn | AhciRegisters.PortSpinUp);
        if (!WaitForLink())
            return Status.NotFound;
        return base.WakeUp();
    }

    /// <inheritdoc/>
    protected override void StartCommand(in AtaTaskFile command)
    {
        WriteFis(command);
        int descriptors = command.Protocol == AtaProtocol.NoData ? 0 : Memory.Count;
        uint* descriptor = (uint*)(_table + DescriptorsOffset);
        for (int index = 0; index < descriptors; index++, descriptor += DescriptorWords)
        {
            descriptor[0] = (uint)Memory.Address(index);
            descriptor[1] = (uint)(Memory.Address(index) >> 32);
            descriptor[2] = 0;
            descriptor[3] = Memory.Bytes(index) - 1;
        }
        uint* header = (uint*)_list;
        header[0] = FisBytes / 4 | (command.IsWrite ? HeaderWrite : 0) | (uint)descriptors << HeaderDescriptorsShift;
        header[1] = 0;
        header[2] = (uint)(ulong)_table;
        Volatile.Write(ref header[3], (uint)((ulong)_table >> 32));
        Write(AhciRegisters.CommandIssue, 1);
    }

    /// <inheritdoc/>
    protected override Status PollCommand()
    {
        if ((Read(AhciRegisters.PortInterruptStatus) & AhciRegisters.PortFatalErrors) != 0)
            return Status.DeviceError;
        if ((Read(AhciRegisters.CommandIssue) & 1) != 0)
            return Status.Pending;
        // The error may have come between the two reads.
        uint status = Read(AhciRegisters.TaskFile);
        return (status & (AtaCommand.StatusError | AtaCommand.StatusDeviceFault)) == 0 ? Status.Ok : Status.DeviceError;
    }

    /// <summary>Stops the port and starts it again, with a reset of the link if the disk is stuck (6.2.2).</summary>
    protected override Status Recover()
    {
        Status status = StopPort();
        if (status == Status.Ok && (Read(AhciRegisters.TaskFile) & (AtaCommand.StatusBusy | AtaCommand.StatusDataRequest)) == 0)
            return StartPort();
        // Also stops DMA that will not stop otherwise (10.4.2).
        Write(AhciRegisters.LinkControl, AhciRegisters.LinkNoPowerSaving | AhciRegisters.DetectReset);
        Wait(LinkResetWidth);
        Write(AhciRegisters.LinkControl, AhciRegisters.LinkNoPowerSaving);
        if (!WaitForLink())
            return Status.Timeout;
        status = StopPort();
        return status == Status.Ok ? StartPort() : status;
    }

    /// <inheritdoc/>
    protected override Status Stop() => StopPort();

    private void WriteFis(in AtaTaskFile command)
    {
        var fis = new Span<byte>(_table, FisBytes);
        fis.Clear();
        fis[0] = FisType;
        fis[1] = FisIsCommand;
        fis[2] = command.Command;
        fis[4] = (byte)command.Lba;
        fis[5] = (byte)(command.Lba >> 8);
        fis[6] = (byte)(command.Lba >> 16);
        fis[7] = command.Device;
        if (command.Is48)
        {
            fis[8] = (byte)(command.Lba >> 24);
            fis[9] = (byte)(command.Lba >> 32);
            fis[10] = (byte)(command.Lba >> 40);
            fis[13] = (byte)(command.Count >> 8);
        }
        fis[12] = (byte)command.Count;
    }

    /// <summary>Stops both engines (10.3.2); afterwards the port does no DMA and raises no interrupt.</summary>
    private Status StopPort()
    {
        Write(AhciRegisters.PortInterruptEnable, 0);
        Status status = StopEngine(AhciRegisters.PortStart, AhciRegisters.PortRunning);
        return status == Status.Ok ? StopEngine(AhciRegisters.PortReceive, AhciRegisters.PortReceiveRunning) : status;
    }

    private Status StopEngine(uint start, uint running)
    {
        uint command = Read(AhciRegisters.PortCommand);
        if ((command & (start | running)) == 0)
            return Status.Ok;
        Write(AhciRegisters.PortCommand, command & ~start);
        return WaitClear(AhciRegisters.PortCommand, running, StopLimit) ? Status.Ok : Status.Timeout;
    }

    /// <summary>Starts both engines when the disk is ready (10.3.1). The port is stopped.</summary>
    private Status StartPort()
    {
        ulong received = (ulong)(_list + ReceivedFisOffset);
        Write(AhciRegisters.CommandList, (uint)(ulong)_list);
        Write(AhciRegisters.CommandList + 4, (uint)((ulong)_list >> 32));
        Write(AhciRegisters.ReceivedFis, (uint)received);
        Write(AhciRegisters.ReceivedFis + 4, (uint)(received >> 32));
        Write(AhciRegisters.LinkError, uint.MaxValue);
        Write(AhciRegisters.PortInterruptStatus, uint.MaxValue);
        uint command = Read(AhciRegisters.PortCommand) & ~AhciRegisters.PortLinkMask;
        command |= AhciRegisters.PortPowerOn | AhciRegisters.PortSpinUp | AhciRegisters.PortReceive;
        Write(AhciRegisters.PortCommand, command | AhciRegisters.PortLinkActive);
        const uint Busy = AtaCommand.StatusBusy | AtaCommand.StatusDataRequest;
        if (!WaitClear(AhciRegisters.TaskFile, Busy, SpinUpLimit))
        {
            if (!_controller.HasListOverride)
                return Status.Timeout;
            Write(AhciRegisters.PortCommand, command | AhciRegisters.PortListOverride);
            if (!WaitClear(AhciRegisters.PortCommand, AhciRegisters.PortListOverride, StopLimit))
                return Status.Timeout;
        }
        // What came up while the link was starting is of no interest.
        Write(AhciRegisters.LinkError, uint.MaxValue);
        Write(AhciRegisters.PortInterruptStatus, uint.MaxValue);
        Write(AhciRegisters.PortCommand, command | AhciRegisters.PortStart);
        return Status.Ok;
    }

    private bool WaitForLink()
    {
        var deadline = new Deadline(Time, LinkLimit);
        while ((Read(AhciRegisters.LinkStatus) & AhciRegisters.DetectMask) != AhciRegisters.DetectPresent)
        {
            if (deadline.HasPassed)
                return false;
        }
        return true;
    }

    private bool WaitClear(uint register, uint bits, ulong limit)
    {
        var deadline = new Deadline(Time, limit);
        while ((Read(register) & bits) != 0)
        {
            if (deadline.HasPassed)
                return false;
        }
        return true;
    }

    private void Wait(ulong nanoseconds)
    {
        var deadline = new Deadline(Time, nanoseconds);
        while (!deadline.HasPassed)
        {
        }
    }

    private uint Read(uint register) => (uint)_registers.ReadMmio(_base + register, 4);

    private void Write(uint register, uint value) => _registers.WriteMmio(_base + register, 4, value);
}
