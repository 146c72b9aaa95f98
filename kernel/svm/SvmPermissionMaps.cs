using System;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Svm;

/// <summary>The I/O and MSR permission maps (AMD APM vol. 2, 15.10 and 15.11): which ports and MSRs exit.</summary>
public sealed unsafe class SvmPermissionMaps : PermissionMaps
{
    /// <summary>Pages of the I/O map (one bit per port, three bits beyond the last) and of the MSR map (two bits per MSR).</summary>
    public const uint IoPages = 3, MsrPages = 2;

    private const uint MsrsPerRange = 0x2000;
    private const uint BytesPerRange = MsrsPerRange / 4;

    private readonly byte* _io;
    private readonly byte* _msr;

    /// <summary>Makes maps in which nothing exits. While booting only.</summary>
    public SvmPermissionMaps(RegionPages pages)
    {
        _io = pages.TakeRun(IoPages);
        _msr = pages.TakeRun(MsrPages);
    }

    /// <summary>The I/O map's pages.</summary>
    public byte* Io => _io;

    /// <summary>The MSR map's pages.</summary>
    public byte* Msrs => _msr;

    /// <inheritdoc/>
    public override void SetPort(ushort port, bool exit)
    {
        byte bit = (byte)(1 << (port & 7));
        _io[port >> 3] = exit ? (byte)(_io[port >> 3] | bit) : (byte)(_io[port >> 3] & ~bit);
    }

    /// <inheritdoc/>
    public override void SetAllPorts() => new Span<byte>(_io, (int)(IoPages * PageSize.Small)).Fill(0xFF);

    /// <inheritdoc/>
    public override void SetAllMsrs() => new Span<byte>(_msr, (int)(MsrPages * PageSize.Small)).Fill(0xFF);

    /// <inheritdoc/>
    public override void SetMsr(uint msr, bool exitOnRead, bool exitOnWrite)
    {
        uint first = msr < MsrsPerRange ? 0
            : msr - 0xC000_0000 < MsrsPerRange ? BytesPerRange
            : msr - 0xC001_0000 < MsrsPerRange ? 2 * BytesPerRange : uint.MaxValue;
        if (first == uint.MaxValue)
            return;
        uint index = msr & (MsrsPerRange - 1);
        int shift = (int)(index & 3) * 2;
        byte* at = _msr + first + index / 4;
        int bits = (exitOnRead ? 1 : 0) | (exitOnWrite ? 2 : 0);
        *at = (byte)((*at & ~(3 << shift)) | bits << shift);
    }
}
