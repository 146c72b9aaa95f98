namespace Hv.Kernel.Instructions;

/// <summary>The base addresses of the six segments, as the VMCS or VMCB holds them.</summary>
public struct SegmentBases
{
    /// <summary>The base of ES.</summary>
    public ulong Es;
    /// <summary>The base of CS.</summary>
    public ulong Cs;
    /// <summary>The base of SS.</summary>
    public ulong Ss;
    /// <summary>The base of DS.</summary>
    public ulong Ds;
    /// <summary>The base of FS.</summary>
    public ulong Fs;
    /// <summary>The base of GS.</summary>
    public ulong Gs;

    /// <summary>The base that counts for <paramref name="segment"/>: in 64-bit mode all but FS and GS are 0.</summary>
    public readonly ulong For(SegmentRegister segment, CodeSize mode)
    {
        if (mode == CodeSize.Bits64 && segment < SegmentRegister.Fs)
            return 0;
        switch (segment)
        {
            case SegmentRegister.Es: return Es;
            case SegmentRegister.Cs: return Cs;
            case SegmentRegister.Ss: return Ss;
            case SegmentRegister.Fs: return Fs;
            case SegmentRegister.Gs: return Gs;
            default: return Ds;
        }
    }
}
