using Hv.Kernel;

namespace Hv.Drivers.Block;

/// <summary>A piece of memory that a request transfers to or from.</summary>
public readonly struct BlockSegment
{
    /// <summary>The first byte, a multiple of 4.</summary>
    public readonly HostPhysical Address;

    /// <summary>The length in bytes, a multiple of 4, not 0; the piece may span pages.</summary>
    public readonly uint Bytes;

    /// <summary>Names <paramref name="bytes"/> bytes at <paramref name="address"/>.</summary>
    public BlockSegment(HostPhysical address, uint bytes)
    {
        Address = address;
        Bytes = bytes;
    }

    /// <summary>The address just after the last byte.</summary>
    public ulong End => Address.Value + Bytes;
}
