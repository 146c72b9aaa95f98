namespace Hv.Shadow.Control;

/// <summary>What the last fork has cost. Ticks are those of the TSC.</summary>
public sealed class ForkFigures
{
    /// <summary>The pause: both VMs stood still.</summary>
    public ulong Ticks;

    /// <summary>The part of it that the memory took: page tables, nothing is copied.</summary>
    public ulong MemoryTicks;

    /// <summary>All breaks of sharing by the primary's writes together.</summary>
    public ulong BreakTicks;

    /// <summary>Pages that the shadow copied because it wrote to them; kept when the sharing ends.</summary>
    public ulong PagesCopied;

    /// <summary>A fork begins.</summary>
    public void Clear() => Ticks = MemoryTicks = BreakTicks = PagesCopied = 0;
}
