namespace Hv.Drivers.Platform;

/// <summary>What a guest has asked its platform to do to the machine.</summary>
public enum ResetRequest : byte
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Start anew.</summary>
    Reset,
    /// <summary>Switch off.</summary>
    PowerOff,
    /// <summary>Sleep (S1 to S4).</summary>
    Sleep,
}
