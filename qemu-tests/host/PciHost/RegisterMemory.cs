using System;
using System.Collections.Generic;
using Hv.Kernel.Io;

namespace Hv.HostTests;

/// <summary>Registers at physical addresses: plain memory, with hooks.</summary>
public sealed class RegisterMemory : MmioDevice
{
    public readonly Dictionary<ulong, uint> Values = [];
    public readonly List<(ulong Address, uint Value)> Writes = [];
    public readonly List<ulong> Reads = [];
    public Func<ulong, uint, uint>? OnWrite;

    public override ulong ReadMmio(ulong offset, int size)
    {
        Reads.Add(offset);
        return Values.GetValueOrDefault(offset);
    }

    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        Writes.Add((offset, (uint)value));
        Values[offset] = OnWrite is null ? (uint)value : OnWrite(offset, (uint)value);
    }
}
