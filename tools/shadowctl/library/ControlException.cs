using System;

namespace Hv.ShadowControl;

/// <summary>Something went wrong; the message is one sentence for the user.</summary>
public sealed class ControlException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="Hv.ShadowControl.ExitCode"/>.</summary>
    public int ExitCode => exitCode;
}
