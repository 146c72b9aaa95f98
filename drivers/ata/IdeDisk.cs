using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Drivers.Ata;

/// <summary>A disk at a channel of a PCI IDE controller such as the PIIX, by bus master DMA, or by programmed I/O where that is missing.</summary>
/// <remarks>
/// The caller has enabled I/O decoding and bus mastering of the PCI function. The two drives of a channel share its registers: only
/// one of them is used at a time. Polled; the drives' interrupts are off.
/// </remarks>
public sealed unsafe class IdeDisk : AtaDisk
{
    // Offsets in the command block.
    private const int DataPort = 0;
    private const int CountPort = 2;
    private const int LbaLowPort = 3;
    private const int LbaMiddlePort = 4;
    private const int LbaHighPort = 5;
    private const int DevicePort = 6;
    private const int CommandPort = 7;

    // Bus master registers and bits (Programming Interface for Bus Master IDE Controller 1.0, 2.2).
    private const int MasterCommandPort = 0;
    private const int MasterStatusPort = 2;
    private const int MasterTablePort = 4;
    private const byte MasterStart = 1 << 0;
    private const byte MasterToMemory = 1 << 3;
    private const byte MasterActive = 1 << 0;
    private const byte MasterError = 1 << 1;
    private const byte MasterInterrupt = 1 << 2;
    private const byte MasterDmaCapable = 3 << 5;

    // Descriptors (1.2): address, then byte count in bits 15:0, where 0 is 64 KiB. They do not cross 64 KiB.
    private const ulong DescriptorBoundary = 64 * 1024;
    private const uint DescriptorLast = 1u << 31;

    private const byte Floating = 0xFF;
    private const ulong SettleNanoseconds = 400;
    private const ulong ResetWidthNanoseconds = 5_000;
    private const ulong AfterResetNanoseconds = 2_000_000;
    private const ulong ReadyLimitNanoseconds = 31_000_000_000;
    private const ulong BlockLimitNanoseconds = 10_000_000_000;

    private readonly PortDevice _ports;
    private readonly IdePorts _at;
    private readonly byte _drive;
    private uint* _table;
    private AtaProtocol _protocol;
    private Status _pioStatus;

    /// <summary>
    /// Drives drive <paramref name="drive"/> (0 or 1) of channel <paramref name="channel"/> at the ports <paramref name="at"/>.
    /// Allocates: at boot only. Nothing works before <see cref="Initialize"/>.
    /// </summary>
    public IdeDisk(PortDevice ports, IdePorts at, TimeSource time, int channel, int drive)
        : base(time, DiskKind.Ata, (uint)(2 * channel + drive), DescriptorBoundary)
    {
        _ports = ports;
        _at = at;
        _drive = drive == 0 ? (byte)0 : AtaCommand.DeviceSecond;
    }

    /// <inheritdoc/>
    protected override bool CanUseDma => _at.BusMaster != 0;

    /// <summary>
    /// Resets the channel from whatever state it is in, takes memory, which must be below 4 GiB, and finds out about the disk. At boot only.
    /// <see cref="Status.NotFound"/>: no disk there; no memory was taken, unless something there did not answer to being identified.
    /// </summary>
    public Status Initialize(PageSource pages)
    {
        // Nothing pulls the lines of an empty channel down, or it answers with zeroes.
        if (ReadStatus() == Floating || Recover() != Status.Ok)
            return Status.NotFound;
        // A packet device leaves its signature in the address registers; an absent drive beside a present one, zeroes everywhere.
        if (ReadPort(LbaMiddlePort) != 0 || ReadPort(LbaHighPort) != 0 || ReadStatus() == 0)
            return Status.NotFound;
        _table = (uint*)AtaScatterList.TakePage(pages, is32: true);
        byte* page = AtaScatterList.TakePage(pages, is32: true);
        if (_table == null || page == null || Memory.Limit(pages) != Status.Ok)
            return Status.OutOfMemory;
        Status status = Identify(page);
        return status is Status.DeviceError or Status.Timeout ? Status.NotFound : status;
    }

    /// <inheritdoc/>
    protected override void StartCommand(in AtaTaskFile command)
    {
        _protocol = command.Protocol;
        _pioStatus = Status.Pending;
        bool isDma = command.Protocol is AtaProtocol.DmaIn or AtaProtocol.DmaOut;
        WriteControl(AtaCommand.ControlNoInterrupts);
        if (isDma)
            PrepareDma(command.IsWrite);
        byte device = (byte)(command.Device | AtaCommand.DeviceObsolete | _drive);
        WritePort(DevicePort, device);
        Settle();
        if (command.Is48)
        {
            WritePort(CountPort, (byte)(command.Count >> 8));
            WritePort(LbaLowPort, (byte)(command.Lba >> 24));
            WritePort(LbaMiddlePort, (byte)(command.Lba >> 32));
            WritePort(LbaHighPort, (byte)(command.Lba >> 40));
        }
        WritePort(CountPort, (byte)command.Count);
        WritePort(LbaLowPort, (byte)command.Lba);
        WritePort(LbaMiddlePort, (byte)(command.Lba >> 8));
        WritePort(LbaHighPort, (byte)(command.Lba >> 16));
        WritePort(CommandPort, command.Command);
        if (isDma)
            WriteMaster(MasterCommandPort, 1, (command.IsWrite ? 0u : MasterToMemory) | MasterStart);
        Settle();
        if (command.Protocol is AtaProtocol.PioIn or AtaProtocol.PioOut)
            _pioStatus = TransferByPio(command.IsWrite);
    }

    /// <inheritdoc/>
    protected override Status PollCommand()
    {
        if (_pioStatus != Status.Pending)
            return _pioStatus;
        byte status = ReadAlternateStatus();
        bool isDma = _protocol is AtaProtocol.DmaIn or AtaProtocol.DmaOut;
        byte master = isDma ? (byte)ReadMaster(MasterStatusPort) : (byte)0;
        if ((master & MasterError) != 0)
            return EndDma(Status.DeviceError);
        if ((status & AtaCommand.StatusBusy) != 0)
            return Status.Pending;
        if ((status & (AtaCommand.StatusError | AtaCommand.StatusDeviceFault)) != 0)
            return isDma ? EndDma(Status.DeviceError) : Status.DeviceError;
        // The controller may still be writing to memory when the drive is done.
        if ((status & AtaCommand.StatusDataRequest) != 0 || (master & MasterActive) != 0)
            return Status.Pending;
        ReadStatus();
        return isDma ? EndDma(Status.Ok) : Status.Ok;
    }

    /// <summary>Stops DMA and resets both drives of the channel (ATA8-APT, 9.3).</summary>
    protected override Status Recover()
    {
        EndDma(Status.Ok);
        WriteControl(AtaCommand.ControlNoInterrupts | AtaCommand.ControlSoftReset);
        Wait(ResetWidthNanoseconds);
        WriteControl(AtaCommand.ControlNoInterrupts);
        Wait(AfterResetNanoseconds);
        if (!WaitNotBusy(ReadyLimitNanoseconds))
            return Status.Timeout;
        WritePort(DevicePort, (byte)(AtaCommand.DeviceObsolete | _drive));
        Settle();
        return WaitNotBusy(ReadyLimitNanoseconds) ? Status.Ok : Status.Timeout;
    }

    /// <inheritdoc/>
    protected override Status Stop()
    {
        WriteControl(AtaCommand.ControlNoInterrupts);
        return EndDma(Status.Ok);
    }

    private void PrepareDma(bool isWrite)
    {
        for (int index = 0; index < Memory.Count; index++)
        {
            _table[2 * index] = (uint)Memory.Address(index);
            _table[2 * index + 1] = (Memory.Bytes(index) & 0xFFFF) | (index == Memory.Count - 1 ? DescriptorLast : 0);
        }
        WriteMaster(MasterTablePort, 4, (uint)(ulong)_table);
        WriteMaster(MasterCommandPort, 1, isWrite ? 0u : MasterToMemory);
        ClearMasterStatus();
    }

    private Status EndDma(Status status)
    {
        if (_at.BusMaster != 0)
        {
            WriteMaster(MasterCommandPort, 1, 0);
            ClearMasterStatus();
        }
        return status;
    }

    private void ClearMasterStatus() =>
        WriteMaster(MasterStatusPort, 1, (ReadMaster(MasterStatusPort) & MasterDmaCapable) | MasterError | MasterInterrupt);

    /// <summary>Moves all data of a command, block by block, when the drive asks for it.</summary>
    private Status TransferByPio(bool isWrite)
    {
        uint done = 0;
        for (int index = 0; index < Memory.Count; index++)
        {
            ushort* words = (ushort*)Memory.Address(index);
            for (uint word = 0; word < Memory.Bytes(index) / 2; word++, done += 2)
            {
                if (done % PioBytes == 0)
                {
                    Status status = WaitForBlock();
                    if (status != Status.Ok)
                        return status;
                }
                if (isWrite)
                    _ports.WritePort((ushort)(_at.Command + DataPort), 2, words[word]);
                else
                    words[word] = (ushort)_ports.ReadPort((ushort)(_at.Command + DataPort), 2);
            }
        }
        // The drive digests the last block; PollCommand waits for it.
        Settle();
        return Status.Pending;
    }

    private Status WaitForBlock()
    {
        Settle();
        if (!WaitNotBusy(BlockLimitNanoseconds))
            return Status.Timeout;
        byte status = ReadStatus();
        if ((status & (AtaCommand.StatusError | AtaCommand.StatusDeviceFault)) != 0)
            return Status.DeviceError;
        return (status & AtaCommand.StatusDataRequest) != 0 ? Status.Ok : Status.DeviceError;
    }

    private bool WaitNotBusy(ulong limit)
    {
        var deadline = new Deadline(Time, limit);
        while ((ReadAlternateStatus() & AtaCommand.StatusBusy) != 0)
        {
            if (deadline.HasPassed)
                return false;
        }
        return true;
    }

    /// <summary>The status may not be looked at right after a command or a change of drive (ATA8-APT, 7.3).</summary>
    private void Settle()
    {
        ReadAlternateStatus();
        Wait(SettleNanoseconds);
    }

    private void Wait(ulong nanoseconds)
    {
        var deadline = new Deadline(Time, nanoseconds);
        while (!deadline.HasPassed)
        {
        }
    }

    private byte ReadStatus() => ReadPort(CommandPort);

    private byte ReadAlternateStatus() => (byte)_ports.ReadPort(_at.Control, 1);

    private void WriteControl(byte value) => _ports.WritePort(_at.Control, 1, value);

    private byte ReadPort(int offset) => (byte)_ports.ReadPort((ushort)(_at.Command + offset), 1);

    private void WritePort(int offset, byte value) => _ports.WritePort((ushort)(_at.Command + offset), 1, value);

    private uint ReadMaster(int offset) => _ports.ReadPort((ushort)(_at.BusMaster + offset), 1);

    private void WriteMaster(int offset, int size, uint value) => _ports.WritePort((ushort)(_at.BusMaster + offset), size, value);
}
