namespace Hv.Boot.Acpi;

/// <summary>A set of general purpose events of block 0, which has at most 128; numbers up to 255 can be added.</summary>
public unsafe struct EventSet
{
    private fixed uint _bits[8];

    /// <summary>Adds an event.</summary>
    public void Add(byte number) => _bits[number >> 5] |= 1u << (number & 31);

    /// <summary>Whether an event is in the set.</summary>
    public readonly bool Has(byte number) => (_bits[number >> 5] >> (number & 31) & 1) != 0;
}
