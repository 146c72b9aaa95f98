namespace Hv.Bench;

/// <summary>The small guest: its console is a shell, with no login before it.</summary>
public sealed class SmallGuest(Emulator emulator) : Guest(emulator)
{
    /// <inheritdoc/>
    public override string Prompt => @"root@small:~# \z";

    /// <inheritdoc/>
    public override string Greeting => Prompt;

    /// <inheritdoc/>
    protected override string? BootMark => "^HV-GUEST-READY kernel=";

    /// <inheritdoc/>
    public override string RebootCommand => "reboot";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ShutdownMarks { get; } = ["Stopping all processes", "The system is going down NOW!", "Requesting system reboot"];

    /// <inheritdoc/>
    protected override string HeartbeatCommand => "echo HEARTBEAT_ON=/dev/ttyS0 >/run/heartbeat";

    /// <inheritdoc/>
    public override void InstallKernel(string version, TimeSpan timeout, CancellationToken cancel = default) => Run($"use-kernel {version}", timeout, cancel);

    /// <inheritdoc/>
    protected override void GetShell(TimeSpan timeout, CancellationToken cancel) { }
}
