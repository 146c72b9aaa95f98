using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>A 16550A serial port (National Semiconductor PC16550D data sheet). What it sends goes to a <see cref="SerialLog"/>, at once.</summary>
public sealed class Uart16550 : PortDevice
{
    /// <summary>How many ports it has.</summary>
    public const int PortCount = 8;
    /// <summary>The ports of COM1.</summary>
    public const ushort Com1 = 0x3F8;

    private const int Data = 0, InterruptEnable = 1, InterruptId = 2, LineControl = 3, ModemControl = 4, LineStatus = 5, ModemStatus = 6, Scratch = 7;
    private const byte EnableReceive = 0x01, EnableTransmit = 0x02, EnableLine = 0x04, EnableModem = 0x08;
    private const byte IdNone = 0x01, IdModem = 0x00, IdTransmit = 0x02, IdReceive = 0x04, IdLine = 0x06, IdTimeout = 0x0C, IdFifo = 0xC0;
    private const byte FifoEnable = 0x01, FifoClearReceive = 0x02, FifoKept = 0xC9;
    private const byte DivisorLatch = 0x80;
    private const byte Out2 = 0x08, Loopback = 0x10;
    private const byte DataReady = 0x01, Overrun = 0x02, LineErrors = 0x1E, TransmitEmpty = 0x60;
    private const byte ModemConnected = 0xB0;
    private const byte DeltaMask = 0x0F, TrailingRing = 0x04;
    private const int FifoBytes = 16;
    private const ushort DefaultDivisor = 12;
    private const int MaxPolls = 100_000;

    private readonly ushort _basePort;
    private readonly GsiLine _irq;
    private readonly SerialLog _log;
    private readonly byte[] _fifo = new byte[FifoBytes];
    private int _head, _count;
    private ushort _divisor;
    private byte _interruptEnable, _fifoControl, _lineControl, _modemControl, _lineErrors, _modemDelta, _scratch;
    private bool _transmitPending;

    /// <summary>Makes the port in its reset state at eight ports from <paramref name="basePort"/>.</summary>
    public Uart16550(ushort basePort, GsiLine irq, SerialLog log)
    {
        _basePort = basePort;
        _irq = irq;
        _log = log;
        Reset();
    }

    /// <summary>Its first port.</summary>
    public ushort BasePort => _basePort;

    private bool HasFifo => (_fifoControl & FifoEnable) != 0;

    private bool InLoopback => (_modemControl & Loopback) != 0;

    private int Trigger => (_fifoControl >> 6) switch
    {
        0 => 1,
        1 => 4,
        2 => 8,
        _ => 14,
    };

    /// <summary>Clear to send, data set ready, carrier: there is someone at the other end. In loopback, the outputs (RTS, DTR, OUT1, OUT2).</summary>
    private byte ModemInputs => InLoopback
        ? (byte)((_modemControl & 0x02) << 3 | (_modemControl & 0x01) << 5 | (_modemControl & 0x0C) << 4)
        : ModemConnected;

    /// <summary>A byte arrives from outside. Dropped in loopback mode.</summary>
    public void Receive(byte value)
    {
        if (InLoopback)
            return;
        Push(value);
        UpdateLine();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        byte value;
        switch (port - _basePort)
        {
            case Data when (_lineControl & DivisorLatch) != 0:
                return (byte)_divisor;
            case InterruptEnable when (_lineControl & DivisorLatch) != 0:
                return (uint)_divisor >> 8;
            case Data:
                value = Pop();
                break;
            case InterruptEnable:
                return _interruptEnable;
            case InterruptId:
                value = PendingId();
                if (value == IdTransmit)
                    _transmitPending = false;
                value |= HasFifo ? IdFifo : (byte)0;
                break;
            case LineControl:
                return _lineControl;
            case ModemControl:
                return _modemControl;
            case LineStatus:
                value = (byte)(TransmitEmpty | _lineErrors | (_count != 0 ? DataReady : 0));
                _lineErrors = 0;
                break;
            case ModemStatus:
                value = (byte)(ModemInputs | _modemDelta);
                _modemDelta = 0;
                break;
            case Scratch:
                return _scratch;
            default:
                return 0xFF;
        }
        UpdateLine();
        return value;
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        byte low = (byte)value;
        switch (port - _basePort)
        {
            case Data when (_lineControl & DivisorLatch) != 0:
                _divisor = (ushort)((_divisor & 0xFF00) | low);
                break;
            case InterruptEnable when (_lineControl & DivisorLatch) != 0:
                _divisor = (ushort)((_divisor & 0x00FF) | low << 8);
                break;
            case Data:
                if (InLoopback)
                    Push(low);
                else
                    _log.Write(low);
                _transmitPending = (_interruptEnable & EnableTransmit) != 0;
                break;
            case InterruptEnable:
                // Enabling it while the transmitter is empty, as it always is, interrupts at once.
                _transmitPending = (low & EnableTransmit) != 0 && (_transmitPending || (_interruptEnable & EnableTransmit) == 0);
                _interruptEnable = (byte)(low & 0x0F);
                break;
            case InterruptId:
                WriteFifoControl(low);
                break;
            case LineControl:
                _lineControl = low;
                break;
            case ModemControl:
                byte before = ModemInputs;
                _modemControl = (byte)(low & 0x1F);
                NoteModemChange(before);
                break;
            case Scratch:
                _scratch = low;
                break;
        }
        UpdateLine();
    }

    /// <summary>Reset (data sheet, table II); the divisor, which a reset leaves, is that of 9600 baud.</summary>
    public void Reset()
    {
        _head = _count = 0;
        _divisor = DefaultDivisor;
        _interruptEnable = _fifoControl = _lineControl = _modemControl = _lineErrors = _modemDelta = _scratch = 0;
        _transmitPending = false;
        UpdateLine();
    }

    /// <summary>Takes over the state of <paramref name="other"/>, not its log.</summary>
    public void CopyFrom(Uart16550 other)
    {
        for (int i = 0; i < FifoBytes; i++)
            _fifo[i] = other._fifo[i];
        _head = other._head;
        _count = other._count;
        _divisor = other._divisor;
        _interruptEnable = other._interruptEnable;
        _fifoControl = other._fifoControl;
        _lineControl = other._lineControl;
        _modemControl = other._modemControl;
        _lineErrors = other._lineErrors;
        _modemDelta = other._modemDelta;
        _scratch = other._scratch;
        _transmitPending = other._transmitPending;
        UpdateLine();
    }

    /// <summary>
    /// Reads all registers of the real port that can be read without taking a received byte. The FIFO's trigger level cannot: it stays as it is known.
    /// </summary>
    public void Capture(PortDevice real)
    {
        _lineControl = ReadReal(real, LineControl);
        WriteReal(real, LineControl, (byte)(_lineControl | DivisorLatch));
        _divisor = (ushort)(ReadReal(real, Data) | ReadReal(real, InterruptEnable) << 8);
        WriteReal(real, LineControl, (byte)(_lineControl & ~DivisorLatch));
        _interruptEnable = (byte)(ReadReal(real, InterruptEnable) & 0x0F);
        byte id = ReadReal(real, InterruptId);
        WriteReal(real, LineControl, _lineControl);
        _fifoControl = (byte)((_fifoControl & FifoKept & ~FifoEnable) | ((id & IdFifo) == IdFifo ? FifoEnable : 0));
        _modemControl = (byte)(ReadReal(real, ModemControl) & 0x1F);
        _scratch = ReadReal(real, Scratch);
        // Reading the ID has taken an interrupt of the transmitter away; it is due again in both.
        _transmitPending = (id & 0x0F) == IdTransmit;
        if (_transmitPending && (_interruptEnable & EnableTransmit) != 0 && (_lineControl & DivisorLatch) == 0)
        {
            WriteReal(real, InterruptEnable, (byte)(_interruptEnable & ~EnableTransmit));
            WriteReal(real, InterruptEnable, _interruptEnable);
        }
        _head = _count = 0;
        _lineErrors = _modemDelta = 0;
        UpdateLine();
    }

    /// <summary>
    /// After <see cref="Capture"/>, in a copy of a system that goes on: what the real port is still sending counts as sent here, so that the interrupt which
    /// the copy waits for comes. One too many does no harm.
    /// </summary>
    public void FinishSending()
    {
        if ((_interruptEnable & EnableTransmit) == 0)
            return;
        _transmitPending = true;
        UpdateLine();
    }

    /// <summary>Programs the real port with this state. Its FIFOs are emptied; an interrupt that waits here is raised there again by its cause.</summary>
    public void Commit(PortDevice real)
    {
        for (int i = 0; i < MaxPolls && (ReadReal(real, LineStatus) & TransmitEmpty) != TransmitEmpty; i++)
        {
        }
        WriteReal(real, LineControl, DivisorLatch);
        WriteReal(real, Data, (byte)_divisor);
        WriteReal(real, InterruptEnable, (byte)(_divisor >> 8));
        WriteReal(real, LineControl, (byte)(_lineControl & ~DivisorLatch));
        WriteReal(real, InterruptEnable, 0);
        WriteReal(real, InterruptId, 0);
        if (HasFifo)
            WriteReal(real, InterruptId, (byte)(_fifoControl | FifoClearReceive | 0x04));
        for (int i = 0; i < FifoBytes && (ReadReal(real, LineStatus) & DataReady) != 0; i++)
            ReadReal(real, Data);
        WriteReal(real, Scratch, _scratch);
        WriteReal(real, ModemControl, _modemControl);
        ReadReal(real, ModemStatus);
        WriteReal(real, InterruptEnable, _interruptEnable);
        // An interrupt of the transmitter that the guest has taken already must not come twice.
        if (!_transmitPending)
            ReadReal(real, InterruptId);
        WriteReal(real, LineControl, _lineControl);
    }

    private byte ReadReal(PortDevice real, int register) => (byte)real.ReadPort((ushort)(_basePort + register), 1);

    private void WriteReal(PortDevice real, int register, byte value) => real.WritePort((ushort)(_basePort + register), 1, value);

    private void WriteFifoControl(byte value)
    {
        bool toggled = ((value ^ _fifoControl) & FifoEnable) != 0;
        _fifoControl = (value & FifoEnable) != 0 ? (byte)(value & FifoKept) : (byte)0;
        if (toggled || ((value & FifoEnable) != 0 && (value & FifoClearReceive) != 0))
            _head = _count = 0;
    }

    private void Push(byte value)
    {
        if (_count == (HasFifo ? FifoBytes : 1))
        {
            _lineErrors |= Overrun;
            if (HasFifo)
                return;
            _count = 0;
        }
        _fifo[(_head + _count) % FifoBytes] = value;
        _count++;
    }

    private byte Pop()
    {
        byte value = _fifo[_head];
        if (_count == 0)
            return 0;
        _head = (_head + 1) % FifoBytes;
        _count--;
        return value;
    }

    private void NoteModemChange(byte before)
    {
        byte changed = (byte)((before ^ ModemInputs) >> 4);
        // Of the ring indicator only the trailing edge counts.
        if ((ModemInputs & TrailingRing << 4) != 0)
            changed &= unchecked((byte)~TrailingRing);
        _modemDelta |= (byte)(changed & DeltaMask);
    }

    private byte PendingId()
    {
        if ((_interruptEnable & EnableLine) != 0 && (_lineErrors & LineErrors) != 0)
            return IdLine;
        if ((_interruptEnable & EnableReceive) != 0 && _count != 0)
            return !HasFifo || _count >= Trigger ? IdReceive : IdTimeout;
        if ((_interruptEnable & EnableTransmit) != 0 && _transmitPending)
            return IdTransmit;
        if ((_interruptEnable & EnableModem) != 0 && _modemDelta != 0)
            return IdModem;
        return IdNone;
    }

    /// <summary>On a PC, OUT2 gates the interrupt to the bus; in loopback the pin is inactive.</summary>
    private void UpdateLine() => _irq.Set(PendingId() != IdNone && (_modemControl & (Out2 | Loopback)) == Out2);
}
