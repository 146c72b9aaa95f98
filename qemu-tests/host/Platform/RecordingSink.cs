using System.Collections.Generic;
using Hv.Drivers.Pci;

namespace Hv.HostTests;

/// <summary>Remembers the messages that were sent to it.</summary>
public sealed class RecordingSink : MessageSink
{
    public readonly List<(ulong Address, uint Data)> Messages = [];

    public override void Send(ulong address, uint data) => Messages.Add((address, data));
}

/// <summary>Remembers the level that it was driven to.</summary>
public sealed class RecordingLine : InterruptLine
{
    public bool Level;
    public int Rises;

    public override void Set(bool asserted)
    {
        if (asserted && !Level)
            Rises++;
        Level = asserted;
    }
}
