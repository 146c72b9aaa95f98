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
    private readonly byte cascade;
    private readonly byte elcrWritable;
    private byte lines, request, service, mask, elcr;
    private byte vectorBase, lowest, step;
    private bool needsIcw4, single, autoEoi, rotateOnAutoEoi, specialMask, fullyNested, readService, poll;

    /// <summary>Makes the chip; <paramref name="cascade"/> is the set of inputs with a slave.</summary>
    public PicChip(byte cascade, byte elcrWritable)
    {
        this.cascade = cascade;
        this.elcrWritable = elcrWritable;
    }

    /// <summary>The edge/level control register.</summary>
    public byte Elcr
    {
        get => elcr;
        set
        {
            elcr = (byte)(value & elcrWritable);
            // An input that became a level shows what it carries.
            request = (byte)((request & ~elcr) | (lines & elcr) | (request & cascade));
        }
    }

    /// <summary>The interrupt mask register.</summary>
    public byte Mask => mask;

    /// <summary>Whether no interrupt is in service.</summary>
    public bool IsIdle => service == 0;

    private byte LevelInputs => (byte)(elcr | cascade);

    /// <summary>The input that interrupts now, or <see cref="None"/>: the highest request above everything in service.</summary>
    public int Pending
    {
        get
        {
            if (step != 0)
                return None;
            int requested = Highest((byte)(request & ~mask));
            if (requested == None)
                return None;
            byte blocking = service;
            if (specialMask)
                blocking &= (byte)~mask;
            if (fullyNested)
                blocking &= (byte)~cascade;
            int served = Highest(blocking);
            return served == None || Rank(requested) < Rank(served) ? requested : None;
        }
    }

    /// <summary>Drives input <paramref name="input"/>.</summary>
    public void SetLine(int input, bool asserted)
    {
        byte bit = (byte)(1 << input);
        bool before = (lines & bit) != 0;
        lines = (byte)(asserted ? lines | bit : lines & ~bit);
        if ((LevelInputs & bit) != 0)
            request = (byte)(asserted ? request | bit : request & ~bit);
        else if (asserted && !before)
            request |= bit;
    }

    /// <summary>Sets what an input carries: a level shows in the requests, an edge is not made of it.</summary>
    public void SetLineSilently(int input, bool asserted)
    {
        byte bit = (byte)(1 << input);
        if ((LevelInputs & bit) == 0)
            lines = (byte)(asserted ? lines | bit : lines & ~bit);
        else
            SetLine(input, asserted);
    }

    /// <summary>The vector of <paramref name="input"/>.</summary>
    public byte VectorOf(int input) => (byte)(vectorBase | input);

    /// <summary>The INTA cycle for <paramref name="input"/>, which was <see cref="Pending"/>.</summary>
    public void Acknowledge(int input)
    {
        byte bit = (byte)(1 << input);
        if ((LevelInputs & bit) == 0)
            request &= (byte)~bit;
        if (!autoEoi)
            service |= bit;
        else if (rotateOnAutoEoi)
            lowest = (byte)input;
    }

    /// <summary>Reads the port with A0 = <paramref name="a0"/>.</summary>
    public byte Read(int a0)
    {
        if (poll)
        {
            poll = false;
            int input = Pending;
            if (input == None)
                return 0;
            Acknowledge(input);
            return (byte)(PollPending | input);
        }
        return a0 != 0 ? mask : readService ? service : request;
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
        step = 0;
        mask = 0xFF;
        vectorBase = 0;
        elcr = 0;
        poll = false;
    }

    /// <summary>Sets what cannot be read from a real chip, as software that programs it usually does: 8086 mode, normal EOI.</summary>
    public void Assume(byte newVectorBase)
    {
        byte savedMask = mask, savedService = service, savedRequest = request;
        Initialize(Icw1 | Icw1NeedsIcw4);
        step = 0;
        vectorBase = newVectorBase;
        mask = savedMask;
        service = savedService;
        request = savedRequest;
    }

    /// <summary>Takes what can be read from a real chip.</summary>
    public void SetReadable(byte newMask, byte newRequest, byte newService, byte newElcr)
    {
        mask = newMask;
        service = newService;
        elcr = (byte)(newElcr & elcrWritable);
        request = newRequest;
        lines = (byte)(newRequest & LevelInputs);
    }

    /// <summary>The write number <paramref name="index"/> of the sequence that brings a real chip into this state; false after the last one.</summary>
    public bool TryGetCommit(int index, out int a0, out byte value)
    {
        a0 = index is >= 1 and <= 4 ? 1 : 0;
        switch (index)
        {
            case 0: value = (byte)(Icw1 | Icw1NeedsIcw4 | (single ? Icw1Single : 0)); return true;
            case 1: value = vectorBase; return true;
            case 2: value = cascade != 0 ? cascade : (byte)2; return true;
            case 3: value = (byte)(Icw4X86 | (autoEoi ? Icw4Aeoi : 0) | (fullyNested ? Icw4FullyNested : 0)); return true;
            case 4: value = mask; return true;
            case 5: value = (byte)(0xC0 | lowest); return true;
            case 6: value = (byte)(rotateOnAutoEoi ? 0x80 : 0x00); return true;
            case 7:
                value = (byte)(Ocw3 | Ocw3MaskSelect | (specialMask ? Ocw3SpecialMask : 0) | Ocw3ReadSelect | (readService ? Ocw3ReadIsr : 0));
                return true;
            default: value = 0; return false;
        }
    }

    public void CopyFrom(PicChip other)
    {
        lines = other.lines;
        request = other.request;
        service = other.service;
        mask = other.mask;
        elcr = other.elcr;
        vectorBase = other.vectorBase;
        lowest = other.lowest;
        step = other.step;
        needsIcw4 = other.needsIcw4;
        single = other.single;
        autoEoi = other.autoEoi;
        rotateOnAutoEoi = other.rotateOnAutoEoi;
        specialMask = other.specialMask;
        fullyNested = other.fullyNested;
        readService = other.readService;
        poll = other.poll;
    }

    private int Rank(int input) => (input - lowest - 1) & 7;

    private int Highest(byte set)
    {
        if (set == 0)
            return None;
        for (int rank = 1; ; rank++)
        {
            int input = (lowest + rank) & 7;
            if ((set >> input & 1) != 0)
                return input;
        }
    }

    private void Initialize(byte icw1)
    {
        // Edges must come anew; priorities are as at power-on; without ICW4 its functions are off.
        request = (byte)(lines & LevelInputs);
        mask = 0;
        service = 0;
        lowest = 7;
        specialMask = false;
        readService = false;
        rotateOnAutoEoi = false;
        poll = false;
        autoEoi = false;
        fullyNested = false;
        needsIcw4 = (icw1 & Icw1NeedsIcw4) != 0;
        single = (icw1 & Icw1Single) != 0;
        step = 2;
    }

    private void WriteData(byte value)
    {
        switch (step)
        {
            case 2:
                vectorBase = (byte)(value & 0xF8);
                step = (byte)(!single ? 3 : needsIcw4 ? 4 : 0);
                break;
            case 3:
                // Which inputs have slaves, or whose slave this is: wired, not chosen.
                step = (byte)(needsIcw4 ? 4 : 0);
                break;
            case 4:
                autoEoi = (value & Icw4Aeoi) != 0;
                fullyNested = (value & Icw4FullyNested) != 0;
                step = 0;
                break;
            default:
                mask = value;
                break;
        }
    }

    private void WriteOcw2(byte value)
    {
        int level = value & 7;
        switch (value >> 5)
        {
            case 0: rotateOnAutoEoi = false; break;
            case 4: rotateOnAutoEoi = true; break;
            case 1: EndHighest(rotate: false); break;
            case 5: EndHighest(rotate: true); break;
            case 3: service &= (byte)~(1 << level); break;
            case 7:
                service &= (byte)~(1 << level);
                lowest = (byte)level;
                break;
            case 6: lowest = (byte)level; break;
        }
    }

    private void EndHighest(bool rotate)
    {
        // In special mask mode the in-service bits of masked inputs are not touched by a non-specific EOI.
        int input = Highest(specialMask ? (byte)(service & ~mask) : service);
        if (input == None)
            return;
        service &= (byte)~(1 << input);
        if (rotate)
            lowest = (byte)input;
    }

    private void WriteOcw3(byte value)
    {
        if ((value & Ocw3Poll) != 0)
            poll = true;
        if ((value & Ocw3ReadSelect) != 0)
            readService = (value & Ocw3ReadIsr) != 0;
        if ((value & Ocw3MaskSelect) != 0)
            specialMask = (value & Ocw3SpecialMask) != 0;
    }
}
