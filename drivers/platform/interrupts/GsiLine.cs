using Hv.Drivers.Pci;

namespace Hv.Drivers.Platform;

/// <summary>
/// One source's wire to a global system interrupt. Several sources may share an interrupt: it is asserted while any of them asserts it.
/// </summary>
public sealed class GsiLine : InterruptLine
{
    private readonly PlatformInterrupts _hub;
    private readonly int _gsi;
    private bool _wanted;
    private bool _connected = true;

    internal GsiLine(PlatformInterrupts hub, int gsi)
    {
        _hub = hub;
        _gsi = gsi;
    }

    /// <summary>Whether the wire leads anywhere: the HPET's legacy routing cuts those of the 8254 and the RTC.</summary>
    public bool Connected
    {
        get => _connected;
        set
        {
            if (_connected == value)
                return;
            _connected = value;
            if (_wanted)
                _hub.Drive(_gsi, value);
        }
    }

    /// <inheritdoc/>
    public override void Set(bool asserted)
    {
        if (_wanted == asserted)
            return;
        _wanted = asserted;
        if (_connected)
            _hub.Drive(_gsi, asserted);
    }

    /// <summary>A pulse: an edge up, whatever the level was before. The line stays up.</summary>
    public void Pulse()
    {
        Set(false);
        Set(true);
    }
}
