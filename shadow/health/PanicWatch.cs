using System;
using Hv.Drivers.Platform;
using Hv.Kernel.Time;

namespace Hv.Shadow.Health;

/// <summary>
/// Finds out from a shadow's serial console that its Linux kernel has panicked: the kernel says so, and then loops for ever or until its own
/// time-out. It is given the time to print the rest (registers, call trace), which is for the reader of the log.
/// </summary>
/// <remarks>Runs on the shadow's processor, after its exits.</remarks>
public sealed class PanicWatch
{
    /// <summary>How long a kernel may take after the first words to print the rest, ns.</summary>
    public const ulong Patience = 5_000_000_000;

    private const int MaxReason = 96;

    private readonly byte[] _reason = new byte[MaxReason];
    private int _reasonLength;
    private ulong _read;
    private int _matched;
    private int _found;
    private bool _collects;

    // Of its bytes only the first is a K: after a mismatch, no shorter match can be under way but one that begins with this byte.
    private static ReadOnlySpan<byte> Words => "Kernel panic - not syncing"u8;

    /// <summary>When the shadow counts as failed, in ns of the clock that <see cref="Read"/> was given; <see cref="VirtualClock.Never"/> without a panic.</summary>
    public ulong Deadline { get; private set; } = VirtualClock.Never;

    /// <summary>A panic was seen.</summary>
    public bool HasPanicked => Deadline != VirtualClock.Never;

    /// <summary>What the kernel gave as the reason, as it was sent; empty if it gave none.</summary>
    public ReadOnlySpan<byte> Reason => _reason.AsSpan(0, _reasonLength);

    /// <summary>Watches a new shadow from the end of <paramref name="log"/> on, or from its beginning if it is cleared.</summary>
    public void Begin(SerialLog log)
    {
        _read = log.Written;
        Dismiss();
    }

    /// <summary>It was no panic: the system is alive.</summary>
    public void Dismiss()
    {
        _matched = 0;
        _found = 0;
        _reasonLength = 0;
        _collects = false;
        Deadline = VirtualClock.Never;
    }

    /// <summary>Reads what is new in <paramref name="log"/>; <paramref name="now"/> is in ns.</summary>
    public void Read(SerialLog log, ulong now)
    {
        _read = _read > log.Written ? log.Oldest : Math.Max(_read, log.Oldest);
        while (_read < log.Written)
            Take(log[_read++], now);
    }

    private void Take(byte value, ulong now)
    {
        if (_collects)
            Collect(value);
        // Linux repeats the words in the line that ends the report.
        if (_found > 1 && value == (byte)'\n')
            Deadline = Math.Min(Deadline, now);
        if (value != Words[_matched])
            _matched = 0;
        if (value != Words[_matched])
            return;
        if (++_matched < Words.Length)
            return;
        _matched = 0;
        if (++_found > 1)
            return;
        _collects = true;
        Deadline = now + Patience;
    }

    // The words are followed by ": REASON" and the end of the line.
    private void Collect(byte value)
    {
        if (value is (byte)'\r' or (byte)'\n' || _reasonLength == MaxReason)
            _collects = false;
        else if (_reasonLength != 0 || value is not ((byte)':' or (byte)' '))
            _reason[_reasonLength++] = value;
    }
}
