using System;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>Reads the serial console of the shadow that there is, or of the last one.</summary>
public sealed class ConsoleLog(ControlClient client)
{
    private const int ChunkBytes = 4096;
    private const int Attempts = 10;

    private readonly byte[] _chunk = new byte[ChunkBytes];

    /// <summary>The number of the next byte to read.</summary>
    public ulong Offset { get; private set; }

    /// <summary>How many bytes were overwritten in Hv before they could be read, up to now.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Begins where the log still is.</summary>
    public void Begin(in StatusBlock status)
    {
        Offset = status.LogStart;
        Lost = status.LogStart;
    }

    /// <summary>Begins <paramref name="bytes"/> before the log's end, or where it still is.</summary>
    public void BeginNearEnd(in StatusBlock status, ulong bytes)
    {
        Begin(in status);
        if (status.LogEnd > status.LogStart + bytes)
            Offset = status.LogEnd - bytes;
    }

    /// <summary>Reads what comes next; empty at the log's present end. Good until the next call.</summary>
    /// <exception cref="ControlException">The shadow writes faster than its log can be read.</exception>
    public ReadOnlySpan<byte> Read()
    {
        for (int i = 0; i < Attempts; i++)
        {
            Follow(client.Status());
            // The shadow may overwrite this place between the two commands.
            if (client.ReadLog(Offset, _chunk) is not { } count)
                continue;
            Offset += (uint)count;
            return _chunk.AsSpan(0, count);
        }
        throw new ControlException(ExitCode.Failed, "The shadow writes to its console faster than that can be read.");
    }

    private void Follow(in StatusBlock status)
    {
        if (Offset > status.LogEnd)
        {
            // Another shadow has been started.
            Begin(in status);
        }
        else if (Offset < status.LogStart)
        {
            Lost += status.LogStart - Offset;
            Offset = status.LogStart;
        }
    }
}
