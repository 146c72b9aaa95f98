namespace Hv.Kernel.Processor;

/// <summary>The stack that Hv runs on after the launch; guard pages lie below it and below the interrupt stacks.</summary>
public static class HostStack
{
    /// <summary>Bytes of a stack, its guard page not counted.</summary>
    public const uint Bytes = 64 * 1024;

    private static ulong s_bottom;
    private static ulong s_top;

    /// <summary>Names the memory from the lowest to the highest stack (Hv-virtual).</summary>
    public static void Use(ulong bottom, ulong top)
    {
        s_bottom = bottom;
        s_top = top;
    }

    /// <summary>Whether an address lies in stack memory.</summary>
    public static bool Contains(ulong address) => address >= s_bottom && address + sizeof(ulong) <= s_top;
}
