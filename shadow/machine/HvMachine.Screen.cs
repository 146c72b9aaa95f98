using Hv.Drivers.Display;
using Hv.Kernel.Diagnostics;
using Hv.Shadow.Memory;

namespace Hv.Shadow.Machine;

/// <content>The screen: in memory for a shadow, the real one for the primary.</content>
public sealed unsafe partial class HvMachine
{
    /// <summary>The frame buffer of shadows; known from the boot snapshot on.</summary>
    public ShadowScreen Screen = null!;
    /// <summary>The mode that the firmware has set.</summary>
    public readonly DisplayMode Display;

    // What shadows draw to is the mode of the boot snapshot.
    private void TakeScreen()
    {
        Screen = new ShadowScreen(Pool, FrameBuffer, FrameBufferBytes);
        Display.Capture(Functions);
        if (FrameBuffer != 0 && !Display.IsKnown)
            Log.Line("Hv: the display's mode is not known: it will stay as the old system leaves it");
    }

    // The display has been quieted and has its addresses of the boot.
    private void ShowPromoted()
    {
        Display.Restore();
        Screen.MoveHome();
    }
}
