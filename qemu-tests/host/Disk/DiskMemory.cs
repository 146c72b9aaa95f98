using System;
using System.Runtime.InteropServices;
using Hv.Kernel;

namespace Hv.HostTests;

/// <summary>Page-aligned memory outside of the garbage-collected heap, below 4 GiB or above it. A model of a device takes its addresses as physical ones.</summary>
public sealed unsafe partial class DiskMemory : IDisposable
{
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int Map32Bit = 0x40;
    private readonly nint _length;

    public DiskMemory(int pages, bool low)
    {
        Pages = pages;
        _length = pages * (nint)PageSize.Small;
        Start = mmap(null, _length, ReadWrite, PrivateAnonymous | (low ? Map32Bit : 0), -1, 0);
        if ((nint)Start == -1)
            throw new OutOfMemoryException();
        if (low != (ulong)Start + (ulong)_length <= 1ul << 32)
            throw new InvalidOperationException("memory on the wrong side of 4 GiB");
    }

    public byte* Start { get; }

    public int Pages { get; }

    public byte* Page(int index) => Start + (nint)index * (nint)PageSize.Small;

    public Span<byte> Bytes => new(Start, (int)_length);

    public void Dispose() => munmap(Start, _length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial byte* mmap(byte* address, nint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc")]
    private static partial int munmap(byte* address, nint length);
}
