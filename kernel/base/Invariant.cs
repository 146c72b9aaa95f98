namespace Hv.Kernel;

/// <summary>States what must be true of Hv itself. Never used for what a guest or a device may do.</summary>
public static class Invariant
{
    /// <summary>Stops Hv with <paramref name="what"/> and a register dump if <paramref name="condition"/> is false. Stays on in release.</summary>
    public static void Holds(bool condition, string what)
    {
        if (!condition)
            Panic.Stop(what);
    }
}
