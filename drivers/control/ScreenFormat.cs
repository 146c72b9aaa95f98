namespace Hv.Drivers.Control;

/// <summary>The order of the four bytes of a pixel.</summary>
public enum ScreenFormat : uint
{
    /// <summary>There is no screen, or its pixels are different.</summary>
    Unknown,
    /// <summary>Red, green, blue, and one without meaning.</summary>
    RedGreenBlue,
    /// <summary>Blue, green, red, and one without meaning.</summary>
    BlueGreenRed,
}
