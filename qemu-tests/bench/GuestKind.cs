namespace Hv.Bench;

/// <summary>The guests there are.</summary>
public enum GuestKind
{
    /// <summary>Debian's kernels with a busybox root; ready in a quarter of a minute.</summary>
    Small,

    /// <summary>A complete Debian 12 with systemd.</summary>
    Debian,
}
