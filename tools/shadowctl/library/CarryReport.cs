using System.Collections.Generic;

namespace Hv.ShadowControl;

/// <summary>What has been carried over.</summary>
public sealed class CarryReport
{
    /// <summary>Files and links that were taken over from the primary.</summary>
    public int Taken { get; internal set; }

    /// <summary>Files, links and directories that the primary had deleted, and that were deleted here.</summary>
    public int Removed { get; internal set; }

    /// <summary>Paths under which the primary's version is kept beside this system's, because both had changed.</summary>
    public List<string> Conflicts { get; } = [];

    /// <summary>What could not be carried over, a sentence each.</summary>
    public List<string> Problems { get; } = [];
}
