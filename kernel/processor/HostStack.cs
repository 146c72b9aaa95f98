namespace Hv.Kernel.Processor;

/// <summary>The stacks that Hv runs on after the launch; guard pages lie below each of them.</summary>
public static unsafe class HostStack
{
    /// <summary>Bytes of a stack, its guard page not counted.</summary>
    public const uint Bytes = 64 * 1024;

    /// <summary>Bytes of the stack of a double fault, NMI or machine check: enough for a fault report.</summary>
    public const uint InterruptBytes = 16 * 1024;

    /// <summary>Whether an address lies in stack memory of this processor.</summary>
    public static bool Contains(ulong address) => PerProcessor.Current->HasOnStack(address);
}
