using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>A virtual I/O APIC of 24 pins (82093AA data sheet; the EOI register is that of version 20h).</summary>
/// <remarks>
/// Pins carry "asserted" or not: the polarity bits are kept, and have no effect. Edges at masked pins are lost, as the data sheet says.
/// </remarks>
public sealed class IoApic : MmioDevice
{
    /// <summary>How many pins there are.</summary>
    public const int PinCount = 24;

    private const ulong SelectOffset = 0x00, WindowOffset = 0x10, EoiOffset = 0x40;
    private const int IdRegister = 0, VersionRegister = 1, ArbitrationRegister = 2, FirstEntryRegister = 0x10;
    private const uint VersionWithEoi = 0x20;
    private const uint DefaultVersion = (PinCount - 1) << 16 | VersionWithEoi;
    private const uint IdMask = 0x0F00_0000;

    private const ulong VectorMask = 0xFF;
    private const int ModeShift = 8;
    private const ulong Logical = 1ul << 11;
    private const ulong RemoteIrr = 1ul << 14;
    private const ulong Level = 1ul << 15;
    private const ulong Masked = 1ul << 16;
    private const int DestinationShift = 56;
    private const ulong Remappable = 1ul << 48;
    // Interrupt messages (Intel SDM vol. 3A, 10.11).
    private const ulong MessageAddress = 0xFEE0_0000, MessageLogical = 1 << 2;
    private const int MessageDestinationShift = 12;
    private const ulong LowWritable = 0x1_AFFF;
    private const ulong HighWritable = 0xFF00_0000ul << 32;

    private readonly ApicBus _bus;
    private readonly ulong[] _entries = new ulong[PinCount];
    private uint _levels;
    private uint _select;
    private uint _id;
    private uint _version = DefaultVersion;

    /// <summary>Makes an I/O APIC in its power-on state, whose messages go to <paramref name="bus"/>.</summary>
    public IoApic(ApicBus bus)
    {
        _bus = bus;
        Reset();
    }

    /// <summary>No level-triggered interrupt waits for its EOI: the state can be committed without loss.</summary>
    public bool IsIdle
    {
        get
        {
            for (int i = 0; i < PinCount; i++)
            {
                if ((_entries[i] & RemoteIrr) != 0)
                    return false;
            }
            return true;
        }
    }

    /// <summary>
    /// Whether pin 0, where the 8259's INTR is wired to, lets the 8259 supply a vector to <paramref name="processor"/> (virtual wire through the I/O APIC).
    /// </summary>
    internal bool PassesExtInt(LocalApic processor) => (_entries[0] & Masked) == 0 && ModeOf(_entries[0]) == DeliveryMode.ExtInt && processor.IsOn
        && processor.Matches(ApicBus.Widen((uint)(_entries[0] >> DestinationShift)), (_entries[0] & Logical) != 0);

    /// <summary>Drives a pin.</summary>
    public void SetPin(int pin, bool asserted)
    {
        if ((uint)pin >= PinCount)
            return;
        uint bit = 1u << pin;
        bool before = (_levels & bit) != 0;
        _levels = asserted ? _levels | bit : _levels & ~bit;
        ulong entry = _entries[pin];
        if (EndsWithEoi(entry))
            ServicePin(pin);
        else if (asserted && !before && (entry & Masked) == 0)
            Send(entry);
    }

    /// <summary>Sets what a pin carries without anything coming of it.</summary>
    internal void SetPinSilently(int pin, bool asserted) => _levels = asserted ? _levels | 1u << pin : _levels & ~(1u << pin);

    /// <summary>The end of a level-triggered interrupt was announced by a processor.</summary>
    internal void EndOfInterrupt(byte vector)
    {
        for (int i = 0; i < PinCount; i++)
        {
            if ((_entries[i] & (VectorMask | RemoteIrr | Level)) != (vector | RemoteIrr | Level))
                continue;
            _entries[i] &= ~RemoteIrr;
            ServicePin(i);
        }
    }

    /// <summary>Sends what level-triggered pins ask for, if no processor took it before.</summary>
    internal void Service()
    {
        for (int i = 0; i < PinCount; i++)
            ServicePin(i);
    }

    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size)
    {
        uint value = (offset & ~3ul) switch
        {
            SelectOffset => _select,
            WindowOffset => ReadRegister((int)_select),
            _ => 0,
        };
        value >>= (int)(8 * (offset & 3));
        return size switch
        {
            1 => (byte)value,
            2 => (ushort)value,
            _ => value,
        };
    }

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        switch (offset)
        {
            case SelectOffset:
                _select = (byte)value;
                break;
            case WindowOffset:
                if (size >= 4)
                    WriteRegister((int)_select, (uint)value);
                break;
            case EoiOffset:
                if ((_version & 0xFF) >= VersionWithEoi)
                    EndOfInterrupt((byte)value);
                break;
        }
    }

    /// <summary>Power-on state: all pins masked. The levels of the pins stay.</summary>
    public void Reset()
    {
        for (int i = 0; i < PinCount; i++)
            _entries[i] = Masked;
        _select = 0;
        _id = 0;
    }

    /// <summary>Takes over the state of <paramref name="other"/>, levels of the pins included.</summary>
    public void CopyFrom(IoApic other)
    {
        for (int i = 0; i < PinCount; i++)
            _entries[i] = other._entries[i];
        _levels = other._levels;
        _select = other._select;
        _id = other._id;
        _version = other._version;
    }

    /// <summary>Reads the state of the real one behind <paramref name="real"/>, except for the levels of its pins: these are all taken as not asserted.</summary>
    public void Capture(MmioDevice real)
    {
        _select = (byte)real.ReadMmio(SelectOffset, 4);
        _id = ReadReal(real, IdRegister) & IdMask;
        _version = ReadReal(real, VersionRegister) & 0xFF | (PinCount - 1) << 16;
        int pins = (int)(ReadReal(real, VersionRegister) >> 16 & 0xFF) + 1;
        for (int i = 0; i < PinCount; i++)
        {
            _entries[i] = Masked;
            if (i >= pins)
                continue;
            int register = FirstEntryRegister + 2 * i;
            _entries[i] = (ReadReal(real, register) | (ulong)ReadReal(real, register + 1) << 32) & (LowWritable | HighWritable | RemoteIrr);
        }
        _levels = 0;
        real.WriteMmio(SelectOffset, 4, _select);
    }

    /// <summary>Writes this state into the real one. Remote IRR is clear there afterwards: a source that still asserts its line is heard again.</summary>
    public void Commit(MmioDevice real)
    {
        MaskReal(real);
        WriteReal(real, IdRegister, _id);
        for (int i = 0; i < PinCount; i++)
        {
            int register = FirstEntryRegister + 2 * i;
            WriteReal(real, register + 1, (uint)(_entries[i] >> 32));
            WriteReal(real, register, (uint)(_entries[i] & LowWritable));
        }
        real.WriteMmio(SelectOffset, 4, _select);
    }

    /// <summary>Masks all pins of the real one, and clears their remote IRR by way of edge mode (which is how it is done without the EOI register).</summary>
    public static void MaskReal(MmioDevice real)
    {
        for (int i = 0; i < PinCount; i++)
            WriteReal(real, FirstEntryRegister + 2 * i, (uint)Masked);
    }

    /// <summary>
    /// The message that the real one sends for a pin as it is set up now: address and data; false if the pin is masked, does not exist, or its entry is in
    /// the format of interrupt remapping (Intel VT-d, 5.1.5.1). The register that the guest has selected stays selected.
    /// </summary>
    public static bool TryReadMessage(MmioDevice real, int pin, out ulong address, out uint data)
    {
        uint selected = (uint)real.ReadMmio(SelectOffset, 4);
        int pins = (int)(ReadReal(real, VersionRegister) >> 16 & 0xFF) + 1, register = FirstEntryRegister + 2 * pin;
        ulong entry = (uint)pin < (uint)pins ? ReadReal(real, register) | (ulong)ReadReal(real, register + 1) << 32 : Masked;
        real.WriteMmio(SelectOffset, 4, selected);
        address = MessageAddress | entry >> DestinationShift << MessageDestinationShift | ((entry & Logical) != 0 ? MessageLogical : 0);
        data = (uint)(entry & (VectorMask | 7ul << ModeShift));
        return (entry & (Masked | Remappable)) == 0;
    }

    private static DeliveryMode ModeOf(ulong entry) => (DeliveryMode)(entry >> ModeShift & 7);

    private static uint ReadReal(MmioDevice real, int register)
    {
        real.WriteMmio(SelectOffset, 4, (uint)register);
        return (uint)real.ReadMmio(WindowOffset, 4);
    }

    private static void WriteReal(MmioDevice real, int register, uint value)
    {
        real.WriteMmio(SelectOffset, 4, (uint)register);
        real.WriteMmio(WindowOffset, 4, value);
    }

    private void ServicePin(int pin)
    {
        ulong entry = _entries[pin];
        if ((_levels >> pin & 1) != 0 && EndsWithEoi(entry) && (entry & (Masked | RemoteIrr)) == 0 && Send(entry))
            _entries[pin] |= RemoteIrr;
    }

    /// <summary>Level-triggered, in a mode that ends with an EOI; everything else is heard at edges only.</summary>
    private static bool EndsWithEoi(ulong entry) => (entry & Level) != 0 && ModeOf(entry) is (DeliveryMode.Fixed or DeliveryMode.LowestPriority);

    private bool Send(ulong entry) => _bus.Send(ModeOf(entry), (byte)(entry & VectorMask), (entry & Level) != 0,
        (uint)(entry >> DestinationShift), (entry & Logical) != 0);

    private uint ReadRegister(int register)
    {
        switch (register)
        {
            case IdRegister:
            case ArbitrationRegister:
                return _id;
            case VersionRegister:
                return _version;
        }
        int pin = (register - FirstEntryRegister) >> 1;
        if ((uint)pin >= PinCount)
            return 0;
        return (register & 1) == 0 ? (uint)_entries[pin] : (uint)(_entries[pin] >> 32);
    }

    private void WriteRegister(int register, uint value)
    {
        if (register == IdRegister)
            _id = value & IdMask;
        int pin = (register - FirstEntryRegister) >> 1;
        if ((uint)pin >= PinCount)
            return;
        ulong entry = _entries[pin];
        if ((register & 1) == 0)
            entry = (entry & ~LowWritable) | (value & LowWritable);
        else
            entry = (entry & ~HighWritable) | ((ulong)value << 32 & HighWritable);
        if ((entry & Level) == 0)
            entry &= ~RemoteIrr;
        _entries[pin] = entry;
        ServicePin(pin);
    }
}
