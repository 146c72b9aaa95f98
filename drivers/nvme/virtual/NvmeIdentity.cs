using System;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>What tells one virtual controller from another. ASCII, without terminators; shorter texts are padded with spaces.</summary>
public sealed class NvmeIdentity
{
    private readonly byte[] _serial = new byte[20];
    private readonly byte[] _firmware = new byte[8];
    private readonly byte[] _guid = new byte[VirtualNamespace.GuidBytes];

    /// <summary>
    /// Up to 20 characters of <paramref name="serial"/> (the real disk's, say), up to 8 of <paramref name="firmware"/> (the build id), and
    /// the 16 bytes that name the first namespace for good. Allocates: while booting only.
    /// </summary>
    public NvmeIdentity(ReadOnlySpan<byte> serial, ReadOnlySpan<byte> firmware, ReadOnlySpan<byte> guid)
    {
        Pad(_serial, serial);
        Pad(_firmware, firmware);
        guid.Slice(0, _guid.Length).CopyTo(_guid);
    }

    /// <summary>SN.</summary>
    public ReadOnlySpan<byte> Serial => _serial;

    /// <summary>MN.</summary>
    public static ReadOnlySpan<byte> Model => "Hv Virtual NVMe                         "u8;

    /// <summary>FR.</summary>
    public ReadOnlySpan<byte> Firmware => _firmware;

    /// <summary>NGUID of namespace 1.</summary>
    public ReadOnlySpan<byte> Guid => _guid;

    private static void Pad(Span<byte> to, ReadOnlySpan<byte> text)
    {
        to.Fill((byte)' ');
        text.Slice(0, Math.Min(text.Length, to.Length)).CopyTo(to);
    }
}
