namespace Hv.ShadowControl;

/// <summary>The exit codes of shadowctl.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;
    /// <summary>Hv refused, or the shadow failed.</summary>
    public const int Failed = 1;
    /// <summary>The command line or the configuration is wrong.</summary>
    public const int Usage = 2;
    /// <summary>This system does not run under Hv, or under one that does not understand this shadowctl.</summary>
    public const int NoHypervisor = 3;
    /// <summary>The time limit is over; the shadow was thrown away.</summary>
    public const int TimedOut = 4;
    /// <summary>Only root may do this.</summary>
    public const int NotPermitted = 5;
}
