namespace Hv.Bench;

/// <summary>The complete Debian.</summary>
public sealed class DebianGuest(Emulator emulator) : Guest(emulator)
{
    /// <inheritdoc/>
    public override string Prompt => @"root@debian:~# \z";

    /// <inheritdoc/>
    public override string Greeting => @"^debian login: \z";

    /// <inheritdoc/>
    public override string RebootCommand => "systemctl reboot";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ShutdownMarks { get; } =
        ["Stopped target .*Multi-User System", "Stopped .*D-Bus|Stopped target .*Basic System", "Reached target .*Unmount All Filesystems", "Reached target .*System Reboot"];

    /// <inheritdoc/>
    protected override string HeartbeatCommand => "systemctl start heartbeat";

    /// <inheritdoc/>
    public override void InstallKernel(string version, TimeSpan timeout, CancellationToken cancel = default) =>
        Run($"DEBIAN_FRONTEND=noninteractive apt-get install -y -q linux-image-amd64 </dev/null && [ -e /boot/initrd.img-{version} ]", timeout, cancel);

    /// <inheritdoc/>
    protected override void GetShell(TimeSpan timeout, CancellationToken cancel)
    {
        Console.Send("root\n");
        Console.Expect("Password: ", timeout, cancel);
        // What is typed before agetty's successor has turned the echo off may be lost.
        Thread.Sleep(500);
        Console.Send("root\n");
        Console.Expect(Prompt, timeout, cancel);
    }
}
