namespace Hv.Bench;

/// <summary>One heartbeat of the guest, seen on its console.</summary>
/// <param name="Number">Its number, counted by the guest.</param>
/// <param name="Uptime">The guest's own clock when it was sent, in seconds.</param>
/// <param name="Seen">When it arrived, since the emulator was started.</param>
public readonly record struct Heartbeat(long Number, double Uptime, TimeSpan Seen);
