using System.Threading;

namespace Hv.Kernel.Io;

/// <summary>Device registers at a host-physical address.</summary>
public sealed unsafe class RealMmio : MmioDevice
{
    private readonly byte* _base;

    /// <summary>Registers from <paramref name="start"/> on.</summary>
    public RealMmio(HostPhysical start) => _base = (byte*)start.Value;

    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size)
    {
        byte* at = _base + offset;
        return size switch
        {
            1 => Volatile.Read(ref *at),
            2 => Volatile.Read(ref *(ushort*)at),
            4 => Volatile.Read(ref *(uint*)at),
            _ => Volatile.Read(ref *(ulong*)at),
        };
    }

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        byte* at = _base + offset;
        switch (size)
        {
            case 1:
                Volatile.Write(ref *at, (byte)value);
                break;
            case 2:
                Volatile.Write(ref *(ushort*)at, (ushort)value);
                break;
            case 4:
                Volatile.Write(ref *(uint*)at, (uint)value);
                break;
            default:
                Volatile.Write(ref *(ulong*)at, value);
                break;
        }
    }
}
