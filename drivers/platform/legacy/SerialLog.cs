using System;

namespace Hv.Drivers.Platform;

/// <summary>The last 64 KiB that a guest has sent through its serial port.</summary>
public sealed class SerialLog
{
    /// <summary>How many bytes are kept.</summary>
    public const int Capacity = 64 * 1024;

    private readonly byte[] _ring = new byte[Capacity];

    /// <summary>How many bytes have been written ever; the newest has the number before this.</summary>
    public ulong Written { get; private set; }

    /// <summary>The number of the oldest byte that is still kept.</summary>
    public ulong Oldest => Written > Capacity ? Written - Capacity : 0;

    /// <summary>Byte number <paramref name="number"/>, from <see cref="Oldest"/> to before <see cref="Written"/>; others read 0.</summary>
    public byte this[ulong number] => number >= Oldest && number < Written ? _ring[(int)(number % Capacity)] : (byte)0;

    /// <summary>Reads from byte number <paramref name="number"/> on, which is kept or the end; gives how many bytes were there, 0 at the end.</summary>
    public int Read(ulong number, Span<byte> bytes)
    {
        int count = number >= Oldest && number < Written ? (int)Math.Min((ulong)bytes.Length, Written - number) : 0;
        for (int i = 0; i < count; i++)
            bytes[i] = this[number + (uint)i];
        return count;
    }

    /// <summary>Appends a byte.</summary>
    public void Write(byte value)
    {
        _ring[(int)(Written % Capacity)] = value;
        Written++;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => Written = 0;
}
