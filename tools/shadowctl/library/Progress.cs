using System;
using System.Globalization;
using System.IO;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>Tells the user how a shadow reboot goes: one line when a phase begins, and one now and then while it lasts.</summary>
public sealed class Progress(TextWriter output)
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(5);

    private ControlPhase? _phase;
    private TimeSpan _said;

    /// <summary>Prints a line if there is something new to say at <paramref name="now"/>.</summary>
    public void Show(in StatusBlock status, TimeSpan now)
    {
        if (status.Phase == _phase && now - _said < Pace)
            return;
        _phase = status.Phase;
        _said = now;
        string line = string.Create(CultureInfo.InvariantCulture, $"[{StatusView.Seconds(status.ElapsedNanoseconds),7:F1} s] {Names.Of(status.Phase)}");
        if (status.ProgressTotal != 0)
            line += string.Create(CultureInfo.InvariantCulture, $"  {Math.Min(100, 100 * (double)status.ProgressDone / status.ProgressTotal):F0} %");
        if (status.PagesCopied + status.PagesZeroFilled != 0)
            line += $"  {(status.PagesCopied + status.PagesZeroFilled) >> 8} MiB of memory, {status.OverlayBytes >> 20} MiB written";
        output.WriteLine(line);
    }
}
