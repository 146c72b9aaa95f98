using Hv.Kernel.Vm;

namespace Hv.Shadow.Machine;

/// <summary>One processor at the boot snapshot.</summary>
internal sealed unsafe class ProcessorSnapshot
{
    /// <summary>Its registers.</summary>
    public VcpuState State;

    /// <summary>x87, SSE, AVX and further state.</summary>
    public byte* ExtendedState;

    /// <summary>XCR0.</summary>
    public ulong Xcr0;

    /// <summary>It had been initialized, and waited for a start-up message.</summary>
    public bool WaitsForStartUp;
}
