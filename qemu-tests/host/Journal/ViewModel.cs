using System;
using System.Collections.Generic;

namespace Hv.HostTests.Journal;

/// <summary>What a system may find in its sectors after a power loss: what it had flushed, or anything it has written since.</summary>
internal sealed class ViewModel
{
    private readonly ulong[] _durable;
    private readonly List<(int When, ulong Value)>[] _since;
    private int _now;

    public ViewModel(ReadOnlySpan<ulong> values)
    {
        Now = values.ToArray();
        _durable = values.ToArray();
        _since = new List<(int, ulong)>[values.Length];
        for (int i = 0; i < _since.Length; i++)
            _since[i] = [];
    }

    public ulong[] Now { get; }

    public void Write(int sector, ulong value)
    {
        Now[sector] = value;
        _since[sector].Add((++_now, value));
    }

    /// <summary>A flush begins; what it returns is for its end.</summary>
    public (int When, ulong[] Values) BeginFlush() => (_now, (ulong[])Now.Clone());

    public void EndFlush((int When, ulong[] Values) begun)
    {
        begun.Values.CopyTo(_durable, 0);
        foreach (List<(int When, ulong)> writes in _since)
            writes.RemoveAll(write => write.When <= begun.When);
    }

    public bool Allows(ReadOnlySpan<ulong> found)
    {
        for (int i = 0; i < found.Length; i++)
        {
            ulong value = found[i];
            if (value != _durable[i] && !_since[i].Exists(write => write.Value == value))
                return false;
        }
        return true;
    }
}
