using System;
using Hv.Kernel.Memory;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <summary>The I/O bitmaps and the MSR bitmaps (Intel SDM vol. 3C, 25.6.4 and 25.6.9): which ports and MSRs exit.</summary>
public sealed unsafe class VmxPermissionMaps : PermissionMaps
{
    private const uint IoPages = 2;
    private const uint MsrsPerRange = 0x2000, HighRange = 0xC000_0000;
    private const uint BytesPerRange = MsrsPerRange / 8, WriteOffset = 2 * BytesPerRange;

    private readonly byte* _io;
    private readonly byte* _msr;

    /// <summary>Makes maps in which nothing exits. While booting only.</summary>
    public VmxPermissionMaps(RegionPages pages)
    {
        _io = pages.TakeRun(IoPages);
        _msr = pages.TakePage();
    }

    /// <summary>I/O bitmap A; B follows in the next page.</summary>
    public byte* Io => _io;

    /// <summary>The MSR bitmaps' page.</summary>
    public byte* Msrs => _msr;

    /// <inheritdoc/>
    public override void SetPort(ushort port, bool exit) => SetBit(_io, port, exit);

    /// <inheritdoc/>
    public override void SetAllPorts() => new Span<byte>(_io, (int)(IoPages * PageSize.Small)).Fill(0xFF);

    /// <inheritdoc/>
    public override void SetMsr(uint msr, bool exitOnRead, bool exitOnWrite)
    {
        byte* range;
        if (msr < MsrsPerRange)
            range = _msr;
        else if (msr - HighRange < MsrsPerRange)
            range = _msr + BytesPerRange;
        else
            return;
        SetBit(range, msr % MsrsPerRange, exitOnRead);
        SetBit(range + WriteOffset, msr % MsrsPerRange, exitOnWrite);
    }

    /// <inheritdoc/>
    public override void SetAllMsrs() => new Span<byte>(_msr, (int)PageSize.Small).Fill(0xFF);

    private static void SetBit(byte* map, uint number, bool value)
    {
        byte bit = (byte)(1 << (int)(number & 7));
        map[number >> 3] = value ? (byte)(map[number >> 3] | bit) : (byte)(map[number >> 3] & ~bit);
    }
}
