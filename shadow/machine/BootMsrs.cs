using Hv.Kernel;
using Hv.Kernel.Processor;

namespace Hv.Shadow.Machine;

/// <summary>The MSRs that a system sets up once and nobody else puts back, as they were at the boot snapshot: a reset of the processor would put them back.</summary>
/// <remarks>Made while booting. What a virtual processor's state or the local APIC has is not among them.</remarks>
public sealed class BootMsrs
{
    private const int Capacity = 64;

    private readonly uint[] _indices = new uint[Capacity];
    private readonly ulong[] _values = new ulong[Capacity];
    private int _count;

    /// <summary>Reads those that this processor has. With Hv's IDT in use.</summary>
    public void Capture()
    {
        const int variableRanges = 16, fixed4KRanges = 8, counters = 8, amdCounters = 4;
        _count = 0;
        Add(Msr.TscAdjust);
        Add(Msr.SpecCtrl);
        Add(Msr.MiscEnable);
        Add(Msr.PerfGlobalCtrl);
        Add(Msr.PerfFixedCounterControl);
        if (PerformanceCounters.ArePresent())
        {
            for (uint i = 0; i < counters; i++)
                Add(Msr.PerfEventSelect0 + i);
        }
        for (uint i = 0; i < amdCounters; i++)
            Add(Msr.AmdPerfEventSelect0 + i);
        for (uint i = 0; i < variableRanges; i++)
            Add(Msr.MtrrPhysBase0 + i);
        Add(Msr.MtrrFix64K00000);
        Add(Msr.MtrrFix16K80000);
        Add(Msr.MtrrFix16KA0000);
        for (uint i = 0; i < fixed4KRanges; i++)
            Add(Msr.MtrrFix4KC0000 + i);
        Add(Msr.MtrrDefType);
    }

    /// <summary>Writes those that are something else now.</summary>
    public void Restore()
    {
        for (int i = 0; i < _count; i++)
        {
            if (Msr.Read(_indices[i]) != _values[i])
                _ = Msr.Write(_indices[i], _values[i]);
        }
    }

    private void Add(uint index)
    {
        Result<ulong> value = Msr.TryRead(index);
        if (!value.IsOk || _count == Capacity)
            return;
        _indices[_count] = index;
        _values[_count++] = value.Value;
    }
}
