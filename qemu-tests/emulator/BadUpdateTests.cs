using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>
/// A system that would not come up again after its reboot is found out in the shadow: that ends in a failure with a reason and the shadow's console,
/// and the running system goes on.
/// </summary>
public abstract class BadUpdateTests(MachineFixture machine, ITestOutputHelper output)
{
    private const string Configuration = "/boot/grub/grub.cfg", Saved = "/run/grub.cfg";

    // What the kernel starts instead of an init, before any driver is loaded: busybox with a command.
    private const string Busybox = "/bin/busybox", EarlyShell = $"rdinit={Busybox} -- sh -c";

    private TimeSpan Boot => TimeSpan.FromMinutes(4) * machine.Patience;

    protected void EndsInit()
    {
        Fails($"rdinit={Busybox}", "kernel_panic", "Kernel panic - not syncing: Attempted to kill init!", "Attempted to kill init");
        // The report is on the screen, too: some hundred letters, of some ten pixels each.
        Assert.InRange(LitPixels(), 3000, 1_000_000);
    }

    protected void PanicsAndRestarts() =>
        Fails($"panic=1 {EarlyShell} '{Busybox} mount -t proc proc /proc; echo c >/proc/sysrq-trigger'", "kernel_panic",
            "Kernel panic - not syncing: sysrq triggered crash", "sysrq triggered crash");

    protected void TurnsItselfOff() => Fails($"{EarlyShell} 'echo good night; {Busybox} poweroff -f'", "powered_off", "good night");

    protected void Restarts() => Fails($"{EarlyShell} 'echo once more; {Busybox} reboot -f'", "restarted", "once more");

    protected void TripleFaults() => Fails($"reboot=triple {EarlyShell} 'echo over; {Busybox} reboot -f'", "crashed", "over");

    protected void Halts() =>
        Fails($"{EarlyShell} 'echo stop; {Busybox} halt -f'", "halted", "reboot: System halted", "The instruction is at ffffffff");

    protected void CopyTurnsItselfOff() =>
        Fails("", "powered_off", "this is the shadow", "", "dmesg -n 7; shadowctl reboot --reboot-command 'poweroff -f'");

    protected void CopyPanics() =>
        Fails("", "kernel_panic", "sysrq triggered crash", "sysrq triggered crash", "shadowctl reboot --reboot-command 'sh -c \"echo c >/proc/sysrq-trigger\"'");

    protected void Hangs() =>
        Fails($"{EarlyShell} 'echo waiting; while :; do :; done'", "timed_out", "waiting", "", "shadowctl start --cold --timeout 60; shadowctl wait", 4);

    protected void ComesUpInEmergencyMode()
    {
        machine.Run("""mv /etc/rc.d/shadowctl /run/; printf '#!/bin/sh\nexec shadowctl fail emergency\n' >/etc/rc.d/emergency; chmod +x /etc/rc.d/emergency""");
        try
        {
            Fails("", "emergency_mode", "HV-GUEST-READY", "It is emergency mode.", "shadowctl reboot --timeout 200");
        }
        finally
        {
            machine.Run("rm /etc/rc.d/emergency; mv /run/shadowctl /etc/rc.d/");
        }
    }

    // Of the picture that 'shadowctl screen' takes: eight bytes of signature, the header in a chunk of 25 bytes, then a chunk of compressed lines.
    private int LitPixels()
    {
        const int lines = 8 + 25, chunkHeader = 8, pixelBytes = 3;
        byte[] picture = Convert.FromBase64String(machine.Run("shadowctl screen /run/screen.png && base64 /run/screen.png && rm /run/screen.png"));
        int length = BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(lines));
        using var pixels = new MemoryStream();
        new ZLibStream(new MemoryStream(picture, lines + chunkHeader, length), CompressionMode.Decompress).CopyTo(pixels);
        return pixels.ToArray().Chunk(pixelBytes).Count(pixel => pixel.Any(value => value >= 0x80));
    }

    // The next boot gets further parameters for its kernel; the failure is expected within a time that is shorter than the command's own limit.
    private void Fails(string parameters, string failure, string console, string message = "", string command = "shadowctl reboot --cold --timeout 200", int status = 1) =>
        machine.Unharmed(() =>
        {
            machine.Run($"cp {Configuration} {Saved}; sed -i 's|panic=10|{parameters.Replace("'", @"'\''", StringComparison.Ordinal)}|' {Configuration}; sync");
            CommandResult result;
            try
            {
                result = machine.TryRun(command, Boot);
            }
            finally
            {
                machine.Run($"cp {Saved} {Configuration}; sync");
            }
            output.WriteLine(result.Output);
            output.WriteLine(machine.Run("shadowctl log | tail -n 100"));
            JsonNode after = machine.Status();
            Assert.Equal("failed", (string?)after["phase"]);
            Assert.Equal(failure, (string?)after["failure"]);
            Assert.Contains(message, (string?)after["message"], StringComparison.Ordinal);
            Assert.Equal(status, result.Status);
            Assert.Contains((string)after["explanation"]!, result.Output, StringComparison.Ordinal);
            Assert.Contains(console, machine.Run($"shadowctl log | grep -a '{console}'"), StringComparison.Ordinal);
        });
}
