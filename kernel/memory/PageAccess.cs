namespace Hv.Kernel.Memory;

/// <summary>What may be done with a mapped page; reading always may.</summary>
[System.Flags]
public enum PageAccess : byte
{
    /// <summary>Reading only.</summary>
    Read = 0,
    /// <summary>Writing too.</summary>
    Write = 1,
    /// <summary>Execution too.</summary>
    Execute = 2,
    /// <summary>Everything.</summary>
    All = Write | Execute,
}
