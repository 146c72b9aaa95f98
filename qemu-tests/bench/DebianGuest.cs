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
    public override StoryCheck? CheckNetworkWait(TimeSpan timeout, CancellationToken cancel = default)
    {
        // The job that waits for the network, from the boot on, is the one that is waited for here.
        const string started = "ExecMainStartTimestampMonotonic", ended = "ExecMainExitTimestampMonotonic", wait = "systemd-networkd-wait-online.service";
        string output = Run("systemctl start online.service; echo $(systemctl show -P ActiveState online.service) $(systemctl show -P Result " + wait
            + $") $(systemctl show -P {ended} shadowctl-network.service) $(systemctl show -P {started} {wait}) $(systemctl show -P {ended} {wait}) $(cat /run/online)", timeout, cancel);
        string[] words = output.Split('\n')[^1].Split(' ');
        bool isKnown = words.Length == 6 && words[2..5].All(word => long.TryParse(word, out _));
        double[] seconds = isKnown ? [.. words[2..5].Select(word => long.Parse(word) / 1e6)] : [];
        return new StoryCheck("what waits for the network at boot has waited for the switch", isKnown && words[0] == "active" && words[1] == "success" && seconds[0] > 0 && seconds[1] >= seconds[0],
            isKnown ? $"{words[0]}, {words[1]}: cards there at {seconds[0]:F1} s, then waited for the network from {seconds[1]:F1} to {seconds[2]:F1} s" : output);
    }

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
