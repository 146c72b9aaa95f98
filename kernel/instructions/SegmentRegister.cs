namespace Hv.Kernel.Instructions;

/// <summary>The segment registers, in encoding order.</summary>
public enum SegmentRegister : byte
{
    /// <summary>ES.</summary>
    Es = 0,
    /// <summary>CS.</summary>
    Cs,
    /// <summary>SS.</summary>
    Ss,
    /// <summary>DS.</summary>
    Ds,
    /// <summary>FS.</summary>
    Fs,
    /// <summary>GS.</summary>
    Gs,
}
