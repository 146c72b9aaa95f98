using System.Runtime.InteropServices;

namespace Hv.Boot;

/// <summary>What a processor that Hv itself starts finds when it comes out of the wake page, and where it says that it is there.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ProcessorArrival
{
    /// <summary>The stack pointer that it begins with. The wake page's code knows that it is at the beginning.</summary>
    public ulong StackPointer;
    /// <summary>What the loader has handed over.</summary>
    public BootParameters* Parameters;
    /// <summary>Its number.</summary>
    public int Index;
    /// <summary>1: it is in Hv, with its own descriptors, and has read this.</summary>
    public int HasArrived;
}
