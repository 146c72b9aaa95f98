namespace Hv.Bench;

/// <summary>A line that came over the serial port.</summary>
/// <param name="Time">When its end arrived, since the emulator was started.</param>
/// <param name="Text">The line without control sequences.</param>
public readonly record struct SerialLine(TimeSpan Time, string Text)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Time.TotalSeconds,8:F2}  {Text}";
}
