using System;

namespace Hv.Drivers.Block;

/// <summary>Which physical disk it is, and what it says about itself.</summary>
public sealed class DiskIdentity
{
    private const int ModelBytes = 40;
    private const int SerialBytes = 20;
    private const int FirmwareBytes = 8;

    private readonly byte[] _model = new byte[ModelBytes];
    private readonly byte[] _serial = new byte[SerialBytes];
    private readonly byte[] _firmware = new byte[FirmwareBytes];

    /// <summary>A disk that has not been asked yet.</summary>
    public DiskIdentity(DiskKind kind, uint unit)
    {
        Kind = kind;
        Unit = unit;
    }

    /// <summary>How it is attached.</summary>
    public DiskKind Kind { get; }

    /// <summary>Which one of its controller's disks it is; <see cref="DiskKind"/> says how they count.</summary>
    public uint Unit { get; }

    /// <summary>Model number, ASCII, without the padding.</summary>
    public ReadOnlySpan<byte> Model => Trimmed(_model);

    /// <summary>Serial number, ASCII, without the padding.</summary>
    public ReadOnlySpan<byte> Serial => Trimmed(_serial);

    /// <summary>Firmware revision, ASCII, without the padding.</summary>
    public ReadOnlySpan<byte> Firmware => Trimmed(_firmware);

    /// <summary>Takes over what the disk answered: 40, 20 and 8 ASCII characters in reading order.</summary>
    public void Set(ReadOnlySpan<byte> model, ReadOnlySpan<byte> serial, ReadOnlySpan<byte> firmware)
    {
        model.Slice(0, ModelBytes).CopyTo(_model);
        serial.Slice(0, SerialBytes).CopyTo(_serial);
        firmware.Slice(0, FirmwareBytes).CopyTo(_firmware);
    }

    private static ReadOnlySpan<byte> Trimmed(byte[] text)
    {
        int start = 0;
        int end = text.Length;
        while (end > 0 && text[end - 1] is 0 or (byte)' ')
            end--;
        while (start < end && text[start] == ' ')
            start++;
        return new ReadOnlySpan<byte>(text, start, end - start);
    }
}
