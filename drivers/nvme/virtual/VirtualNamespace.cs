using System;
using System.Numerics;
using Hv.Drivers.Block;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>A namespace of the virtual controller: a block device under a number.</summary>
internal sealed class VirtualNamespace
{
    public const int GuidBytes = 16;

    private readonly byte[] _guid = new byte[GuidBytes];

    /// <summary>Null if the namespace is not attached.</summary>
    public BlockDevice? Device { get; private set; }

    public bool IsReadOnly { get; private set; }

    /// <summary>NGUID.</summary>
    public ReadOnlySpan<byte> Guid => _guid;

    /// <summary>log2 of the sector size.</summary>
    public int SectorShift => BitOperations.Log2(Device!.SectorSize);

    public void Attach(BlockDevice device, bool readOnly, ReadOnlySpan<byte> guid)
    {
        Device = device;
        IsReadOnly = readOnly;
        guid.CopyTo(_guid);
    }

    public void Detach() => Device = null;

    public void Replace(BlockDevice device) => Device = device;
}
