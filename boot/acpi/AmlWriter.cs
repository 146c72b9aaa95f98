using System;
using System.Buffers.Binary;

namespace Hv.Boot.Acpi;

/// <summary>Writes AML into a span. What does not fit is left out, and <see cref="HasOverflowed"/> says so.</summary>
public ref struct AmlWriter
{
    private readonly Span<byte> _to;

    /// <summary>Writes to <paramref name="to"/>.</summary>
    public AmlWriter(Span<byte> to) => _to = to;

    /// <summary>How many bytes have been written.</summary>
    public int Length { get; private set; }

    /// <summary>Whether there was too little room.</summary>
    public bool HasOverflowed { get; private set; }

    /// <summary>Writes a byte.</summary>
    public void Byte(byte value)
    {
        if (Length < _to.Length)
            _to[Length++] = value;
        else
            HasOverflowed = true;
    }

    /// <summary>Writes bytes as they are.</summary>
    public void Bytes(ReadOnlySpan<byte> values)
    {
        for (int i = 0; i < values.Length; i++)
            Byte(values[i]);
    }

    /// <summary>Writes a 32-bit integer constant.</summary>
    public void Integer(uint value)
    {
        Byte(AmlOpcode.DWordPrefix);
        Word(value);
    }

    /// <summary>Writes a word, little-endian: a name segment.</summary>
    public void Word(uint value)
    {
        for (int i = 0; i < 4; i++)
            Byte((byte)(value >> (8 * i)));
    }

    /// <summary>Writes an absolute name string (ACPI 6.5, 20.2.2).</summary>
    public void Path(in AmlPath path)
    {
        Byte(AmlOpcode.RootPrefix);
        if (path.Count == 0)
            Byte(0);
        else if (path.Count == 2)
            Byte(AmlOpcode.DualName);
        else if (path.Count > 2)
        {
            Byte(AmlOpcode.MultiName);
            Byte((byte)path.Count);
        }
        for (int i = 0; i < path.Count; i++)
            Word(path[i]);
    }

    /// <summary>Begins a package of up to 4095 bytes (20.2.4); what this gives is for <see cref="End"/>.</summary>
    public int Begin()
    {
        int start = Length;
        Byte(0);
        Byte(0);
        return start;
    }

    /// <summary>Ends the package that began at <paramref name="start"/>.</summary>
    public void End(int start)
    {
        int length = Length - start;
        if (HasOverflowed || length > 0xFFF)
        {
            HasOverflowed = true;
            return;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(_to.Slice(start), (ushort)(0x40 | length & 0xF | length >> 4 << 8));
    }
}
