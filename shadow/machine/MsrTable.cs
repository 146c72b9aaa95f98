using Hv.Kernel;
using Hv.Kernel.Processor;

namespace Hv.Shadow.Machine;

/// <summary>
/// What a shadow has written to the machine's MSRs: kept here while the primary uses them, read back from here, and written to the
/// processor when the shadow becomes the machine's system.
/// </summary>
/// <remarks>Made while booting, with Hv's IDT in use.</remarks>
public sealed class MsrTable
{
    private const int Capacity = 256;

    private readonly uint[] _indices = new uint[Capacity];
    private readonly ulong[] _values = new ulong[Capacity];
    private readonly bool _hasCounters = PerformanceCounters.ArePresent();
    private int _count;

    /// <summary>Forgets everything.</summary>
    public void Clear() => _count = 0;

    /// <summary>The value as the shadow sees it: its own, or the processor's.</summary>
    public Result<ulong> Read(uint index)
    {
        int at = Find(index);
        return at >= 0 ? _values[at] : Msr.TryRead(index);
    }

    /// <summary>Keeps a value. <see cref="Status.Unsupported"/> if the processor has no such MSR or the table is full.</summary>
    public Status Write(uint index, ulong value)
    {
        int at = Find(index);
        if (at < 0)
        {
            // Command registers cannot be read; the rest must exist, and keep what is written.
            bool isLost = index == Msr.PredCmd || index == Msr.BiosUpdateTrigger || (!_hasCounters && PerformanceCounters.Contains(index));
            if (isLost)
                return Status.Ok;
            if (!Msr.TryRead(index).IsOk || _count == Capacity)
                return Status.Unsupported;
            at = _count++;
            _indices[at] = index;
        }
        _values[at] = value;
        return Status.Ok;
    }

    /// <summary>Writes everything to the processor.</summary>
    public void Commit()
    {
        for (int i = 0; i < _count; i++)
            _ = Msr.Write(_indices[i], _values[i]);
        _count = 0;
    }

    private int Find(uint index)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_indices[i] == index)
                return i;
        }
        return -1;
    }
}
