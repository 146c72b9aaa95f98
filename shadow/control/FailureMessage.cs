using System;
using Hv.Drivers.Control;

namespace Hv.Shadow.Control;

/// <summary>The text of <see cref="StatusBlock.Message"/>: printable ASCII; what has no room is left out.</summary>
public sealed class FailureMessage
{
    private readonly byte[] _text = new byte[StatusBlock.MessageLength];
    private int _length;

    /// <summary>The text.</summary>
    public ReadOnlySpan<byte> Text => _text.AsSpan(0, _length);

    /// <summary>Forgets it.</summary>
    public void Clear() => _length = 0;

    /// <summary>Appends text up to its first zero. It may come from a guest: what is not printable ASCII becomes a question mark.</summary>
    public void Append(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length && text[i] != 0 && _length < _text.Length; i++)
            _text[_length++] = text[i] is >= (byte)' ' and <= (byte)'~' ? text[i] : (byte)'?';
    }

    /// <summary>Appends an address as sixteen hexadecimal digits.</summary>
    public void AppendAddress(ulong value)
    {
        ReadOnlySpan<byte> symbols = "0123456789abcdef"u8;
        for (int shift = 60; shift >= 0 && _length < _text.Length; shift -= 4)
            _text[_length++] = symbols[(int)(value >> shift) & 15];
    }
}
