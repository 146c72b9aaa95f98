using System;
using Hv.Kernel.Io;

namespace Hv.HostTests;

/// <summary>Counts how often caches are written back.</summary>
public sealed class CountingCaches : CacheControl
{
    public int Count;
    public Action? OnWriteBack;

    public override void WriteBack()
    {
        Count++;
        OnWriteBack?.Invoke();
    }
}
