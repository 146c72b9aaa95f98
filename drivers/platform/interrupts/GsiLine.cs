using Hv.Drivers.Pci;

namespace Hv.Drivers.Platform;

/// <summary>
/// One source's wire to a global system interrupt. Several sources may share an interrupt: it is asserted while any of them asserts it.
/// </summary>
public sealed class GsiLine : InterruptLine
{
    private readonly PlatformInterrupts hub;
    private readonly int gsi;
    private bool wanted;
    private bool connected = true;

    internal GsiLine(PlatformInterrupts hub, int gsi)
    {
        this.hub = hub;
        this.gsi = gsi;
    }

    /// <summary>Whether the wire leads anywhere: the HPET's legacy routing cuts those of the 8254 and the RTC.</summary>
    public bool Connected
    {
        get => connected;
        set
        {
            if (connected == value)
                return;
            connected = value;
            if (wanted)
                hub.Drive(gsi, value);
        }
    }

    /// <inheritdoc/>
    public override void Set(bool asserted)
    {
        if (wanted == asserted)
            return;
        wanted = asserted;
        if (connected)
            hub.Drive(gsi, asserted);
    }

    /// <summary>A pulse: an edge up, whatever the level was before. The line stays up.</summary>
    public void Pulse()
    {
        Set(false);
        Set(true);
    }
}
