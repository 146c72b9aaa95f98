namespace Hv.Drivers.Platform;

/// <summary>One 8259A (Intel 8259A data sheet), as ICH and PIIX have it: level mode per input by ELCR, no 8085 mode.</summary>
/// <remarks>
/// In edge mode a request is kept until it is acknowledged, even if the input falls before: the data sheet's spurious interrupt 7 in
/// that case is left out, since the lines of virtual devices are driven in coarser steps than real ones.
/// </remarks>
internal sealed class PicChip
{
    /// <summary>No input has a request that may interrupt now.</summary>
    public const int None = -1;

    private const byte Icw1 = 0x10, Icw1NeedsIcw4 = 0x01, Icw1Single = 0x02;
    private const byte Icw4Aeoi = 0x02, Icw4FullyNested = 0x10, Icw4X86 = 0x01;
    private const byte Ocw3 = 0x08, Ocw3Poll = 0x04, Ocw3ReadSelect = 0x02, Ocw3ReadIsr = 0x01;
    private const byte Ocw3MaskSelect = 0x40, Ocw3SpecialMask = 0x20;
    private const byte PollPending = 0x80;

    // A cascade input follows the slave's output like a level: it does not latch.
    private readonly byte _cascade;
    private readonly byte _elcrWritable;
    private byte _lines, _request, _service, _mask, _elcr;
    private byte _vectorBase, _lowest, _step;
    private bool _needsIcw4, _single, _autoEoi, _rotateOnAutoEoi, _specialMask, _fullyNested, _readService, _poll;

    /// <summary>Makes the chip; <paramref name="cascade"/> is the set of inputs with a slave.</summary>
    public PicChip(byte cascade, byte elcrWritable)
    {
        _cascade = cascade;
        _elcrWritable = elcrWritable;
    }

    /// <summary>The edge/level control register.</summary>
    public byte Elcr
    {
        get => _elcr;
        set
        {
            _elcr = (byte)(value & _elcrWritable);
            // An input that became a level shows what it carries.
            _request = (byte)((_request & ~_elcr) | (_lines & _elcr) | (_request & _cascade));
        }
    }

    /// <summary>The interrupt mask register.</summary>
    public byte Mask => _mask;

    /// <summary>Whether no interrupt is in service.</summary>
    public bool IsIdle => _service == 0;

    private byte LevelInputs => (byte)(_elcr | _cascade);

    /// <summary>The input that interrupts now, or <see cref="None"/>: the highest request above everything in service.</summary>
    public int Pending
    {
        get
        {
            if (_step != 0)
                return None;
            int requested = Highest((byte)(_request & ~_mask));
            if (requested == None)
                return None;
            byte blocking = _service;
            if (_specialMask)
                blocking &= (byte)~_mask;
            if (_fullyNested)
                blocking &= (byte)~_cascade;
            int served = Highest(blocking);
            return served == None || Rank(requested) < Rank(served) ? requested : None;
        }
    }

    /// <summary>Drives input <paramref name="input"/>.</summary>
    public void SetLine(int input, bool asserted)
    {
        byte bit = (byte)(1 << input);
        bool before = (_lines & bit) != 0;
        _lines = (byte)(asserted ? _lines | bit : _lines & ~bit);
        if ((LevelInputs & bit) != 0)
            _request = (byte)(asserted ? _request | bit : _request & ~bit);
        else if (asserted && !before)
            _request |= bit;
    }

    /// <summary>Sets what an input carries: a level shows in the requests, an edge is not made of it.</summary>
    public void SetLineSilently(int input, bool asserted)
    {
        byte bit = (byte)(1 << input);
        if ((LevelInputs & bit) == 0)
            _lines = (byte)(asserted ? _lines | bit : _lines & ~bit);
        else
            SetLine(input, asserted);
    }

    /// <summary>The vector of <paramref name="input"/>.</summary>
    public byte VectorOf(int input) => (byte)(_vectorBase | input);

    /// <summary>The INTA cycle for <paramref name="input"/>, which was <see cref="Pending"/>.</summary>
    public void Acknowledge(int input)
    {
        byte bit = (byte)(1 << input);
        if ((LevelInputs & bit) == 0)
            _request &= (byte)~bit;
        if (!_autoEoi)
            _service |= bit;
        else if (_rotateOnAutoEoi)
            _lowest = (byte)input;
    }

    /// <summary>Reads the port with A0 = <paramref name="a0"/>.</summary>
    public byte Read(int a0)
    {
        if (_poll)
        {
            _poll = false;
            int input = Pending;
            if (input == None)
                return 0;
            Acknowledge(input);
            return (byte)(PollPending | input);
        }
        return a0 != 0 ? _mask : _readService ? _service : _request;
    }

    /// <summary>Writes the port with A0 = <paramref name="a0"/>.</summary>
    public void Write(int a0, byte value)
    {
        if (a0 != 0)
            WriteData(value);
        else if ((value & Icw1) != 0)
            Initialize(value);
        else if ((value & Ocw3) != 0)
            WriteOcw3(value);
        else
            WriteOcw2(value);
    }

    /// <summary>Power-on: not initialized (it stays mute until it is). Levels of the inputs stay.</summary>
    public void Reset()
    {
        Initialize(Icw1);
        _step = 0;
        _mask = 0xFF;
        _vectorBase = 0;
        _elcr = 0;
        _poll = false;
    }

    /// <summary>Sets what cannot be read from a real chip, as software that programs it usually does: 8086 mode, normal EOI.</summary>
    public void Assume(byte newVectorBase)
    {
        byte savedMask = _mask, savedService = _service, savedRequest = _request;
        Initialize(Icw1 | Icw1NeedsIcw4);
        _step = 0;
        _vectorBase = newVectorBase;
        _mask = savedMask;
        _service = savedService;
        _request = savedRequest;
    }

    /// <summary>Takes what can be read from a real chip.</summary>
    public void SetReadable(byte newMask, byte newRequest, byte newService, byte newElcr)
    {
        _mask = newMask;
        _service = newService;
        _elcr = (byte)(newElcr & _elcrWritable);
        _request = newRequest;
        _lines = (byte)(newRequest & LevelInputs);
    }

    /// <summary>The write number <paramref name="index"/> of the sequence that brings a real chip into this state; false after the last one.</summary>
    public bool TryGetCommit(int index, out int a0, out byte value)
    {
        a0 = index is >= 1 and <= 4 ? 1 : 0;
        switch (index)
        {
            case 0: value = (byte)(Icw1 | Icw1NeedsIcw4 | (_single ? Icw1Single : 0)); return true;
            case 1: value = _vectorBase; return true;
            case 2: value = _cascade != 0 ? _cascade : (byte)2; return true;
            case 3: value = (byte)(Icw4X86 | (_autoEoi ? Icw4Aeoi : 0) | (_fullyNested ? Icw4FullyNested : 0)); return true;
            case 4: value = _mask; return true;
            case 5: value = (byte)(0xC0 | _lowest); return true;
            case 6: value = (byte)(_rotateOnAutoEoi ? 0x80 : 0x00); return true;
            case 7:
                value = (byte)(Ocw3 | Ocw3MaskSelect | (_specialMask ? Ocw3SpecialMask : 0) | Ocw3ReadSelect | (_readService ? Ocw3ReadIsr : 0));
                return true;
            default: value = 0; return false;
        }
    }

    public void CopyFrom(PicChip other)
    {
        _lines = other._lines;
        _request = other._request;
        _service = other._service;
        _mask = other._mask;
        _elcr = other._elcr;
        _vectorBase = other._vectorBase;
        _lowest = other._lowest;
        _step = other._step;
        _needsIcw4 = other._needsIcw4;
        _single = other._single;
        _autoEoi = other._autoEoi;
        _rotateOnAutoEoi = other._rotateOnAutoEoi;
        _specialMask = other._specialMask;
        _fullyNested = other._fullyNested;
        _readService = other._readService;
        _poll = other._poll;
    }

    private int Rank(int input) => (input - _lowest - 1) & 7;

    private int Highest(byte set)
    {
        if (set == 0)
            return None;
        for (int rank = 1; ; rank++)
        {
            int input = (_lowest + rank) & 7;
            if ((set >> input & 1) != 0)
                return input;
        }
    }

    private void Initialize(byte icw1)
    {
        // Edges must come anew; priorities are as at power-on; without ICW4 its functions are off.
        _request = (byte)(_lines & LevelInputs);
        _mask = 0;
        _service = 0;
        _lowest = 7;
        _specialMask = false;
        _readService = false;
        _rotateOnAutoEoi = false;
        _poll = false;
        _autoEoi = false;
        _fullyNested = false;
        _needsIcw4 = (icw1 & Icw1NeedsIcw4) != 0;
        _single = (icw1 & Icw1Single) != 0;
        _step = 2;
    }

    private void WriteData(byte value)
    {
        switch (_step)
        {
            case 2:
                _vectorBase = (byte)(value & 0xF8);
                _step = (byte)(!_single ? 3 : _needsIcw4 ? 4 : 0);
                break;
            case 3:
                // Which inputs have slaves, or whose slave this is: wired, not chosen.
                _step = (byte)(_needsIcw4 ? 4 : 0);
                break;
            case 4:
                _autoEoi = (value & Icw4Aeoi) != 0;
                _fullyNested = (value & Icw4FullyNested) != 0;
                _step = 0;
                break;
            default:
                _mask = value;
                break;
        }
    }

    private void WriteOcw2(byte value)
    {
        int level = value & 7;
        switch (value >> 5)
        {
            case 0: _rotateOnAutoEoi = false; break;
            case 4: _rotateOnAutoEoi = true; break;
            case 1: EndHighest(rotate: false); break;
            case 5: EndHighest(rotate: true); break;
            case 3: _service &= (byte)~(1 << level); break;
            case 7:
                _service &= (byte)~(1 << level);
                _lowest = (byte)level;
                break;
            case 6: _lowest = (byte)level; break;
        }
    }

    private void EndHighest(bool rotate)
    {
        // In special mask mode the in-service bits of masked inputs are not touched by a non-specific EOI.
        int input = Highest(_specialMask ? (byte)(_service & ~_mask) : _service);
        if (input == None)
            return;
        _service &= (byte)~(1 << input);
        if (rotate)
            _lowest = (byte)input;
    }

    private void WriteOcw3(byte value)
    {
        if ((value & Ocw3Poll) != 0)
            _poll = true;
        if ((value & Ocw3ReadSelect) != 0)
            _readService = (value & Ocw3ReadIsr) != 0;
        if ((value & Ocw3MaskSelect) != 0)
            _specialMask = (value & Ocw3SpecialMask) != 0;
    }
}
