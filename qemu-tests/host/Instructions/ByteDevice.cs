using System;
using Hv.Kernel.Io;

namespace Hv.HostTests.Instructions;

/// <summary>A device whose registers are plain bytes.</summary>
internal sealed class ByteDevice : MmioDevice
{
    public readonly byte[] Bytes = new byte[4096];

    public int Accesses { get; private set; }

    public override ulong ReadMmio(ulong offset, int size)
    {
        Accesses++;
        ulong value = 0;
        for (int i = 0; i < size; i++)
            value |= (ulong)Bytes[(int)offset + i] << (8 * i);
        return value;
    }

    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        Accesses++;
        for (int i = 0; i < size; i++)
            Bytes[(int)offset + i] = (byte)(value >> (8 * i));
        if (size < 8 && value >> (size * 8) != 0)
            throw new InvalidOperationException("more bits than the access has");
    }
}
