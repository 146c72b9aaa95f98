namespace Hv.Kernel.Instructions;

/// <summary>The repeat prefix of a string instruction.</summary>
public enum RepeatPrefix : byte
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>F3h.</summary>
    Rep,
    /// <summary>F2h, which repeats MOVS, STOS, LODS, INS and OUTS just as F3h does.</summary>
    Repne,
}
