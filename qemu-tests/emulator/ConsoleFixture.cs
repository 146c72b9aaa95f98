using System.Text;
using System.Text.RegularExpressions;
using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>
/// A machine with a screen, a PS/2 and a USB keyboard that is switched twice: first to a system that does not look for its devices until it is told to, and
/// has no lease to remember, then to one that has.
/// </summary>
public sealed class ConsoleFixture : IDisposable
{
    private const int OldWidth = 640, OldHeight = 480;
    // The display's registers in its second memory region (QEMU, "Standard VGA"): VGA's ports from 3C0h on at 400h, the Bochs display interface at 500h.
    private const string Mode = "r=$(sed -n 's/^\\(0x[0-9a-f]*\\) .*/\\1/;3p' /sys/bus/pci/devices/0000:00:10.0/resource); set_mode() { devmem $((r + 0x500 + 2 * $1)) 16 $2; }; ";
    // Always the same: no cursor, no messages. While no driver has the screen, Linux keeps 80 columns and 25 lines of a console.
    private const string Show = "dmesg -n 1; echo 0 >/sys/class/graphics/fbcon/cursor_blink; printf '\\033[?25l\\033[2J\\033[H' >/dev/tty1; for n in 1 2 3 4 5 6 7 8; do echo \"line $n: $(uname -a | cut -c 1-60)\" >/dev/tty1; done";
    private const string Service = "/etc/rc.d/shadowctl", Saved = "/etc/shadowctl-service", Lease = "/var/lib/network-lease";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3), Long = TimeSpan.FromMinutes(6), Poll = TimeSpan.FromMilliseconds(10);

    private readonly QemuMachine machine;
    private readonly Guest guest;

    public ConsoleFixture()
    {
        machine = (QemuMachine)Machine.Start(BenchKind.QemuSvm, "console", GuestKind.Small, extra: ["-vga", "none", "-device", $"VGA,id={Qmp.Screen},addr=10.0", "-device", $"usb-kbd,display={Qmp.Screen}"]);
        guest = Guest.Create(GuestKind.Small, machine);
        Machine.Prepare(machine, this, Run);
    }

    /// <summary>What the machine's screen shows shortly before the first switch, in another mode than that of the boot.</summary>
    public ScreenImage Old { get; private set; } = null!;

    /// <summary>What the shadow has drawn.</summary>
    public ScreenImage Drawn { get; private set; } = null!;

    /// <summary>The machine's screen after the first switch, before the new system has found its devices.</summary>
    public ScreenImage Switched { get; private set; } = null!;

    /// <summary>The same once it has.</summary>
    public ScreenImage Found { get; private set; } = null!;

    /// <summary>The same text after the second switch, when the display's own driver shows it.</summary>
    public ScreenImage Driven { get; private set; } = null!;

    /// <summary>Who shows it: /proc/fb.</summary>
    public string Driver { get; private set; } = "";

    /// <summary>What arrived of what was typed on the PS/2 keyboard before the devices were found.</summary>
    public string Ps2 { get; private set; } = "";

    /// <summary>What arrived of what was typed on the USB keyboard, and how many bytes of events that keyboard had.</summary>
    public string Usb { get; private set; } = "";

    /// <summary>The answers over the network of the system at first, and after each switch.</summary>
    public IReadOnlyList<NetworkAnswer?> Answers { get; private set; } = [];

    /// <summary>What the new system's network did after each switch.</summary>
    public IReadOnlyList<NetworkMoments> Moments { get; private set; } = [];

    /// <summary>The second switch.</summary>
    public Downtime Second { get; private set; } = null!;

    public void Dispose() => machine.Dispose();

    private void Run()
    {
        guest.WaitUntilUp(Limit);
        guest.LogIn(Limit);
        NetworkAnswer? first = WaitForAnswer(null);
        // The firmware's frame buffer is used until the second switch.
        guest.Run("mkdir -p /etc/modprobe.d; echo blacklist bochs >/etc/modprobe.d/display.conf; ln -s /sbin/load-drivers /etc/rc.d/load-drivers", Limit);
        guest.Run($"cp {Service} {Saved}; printf '#!/bin/sh\\n. /etc/show\\nshadowctl ready\\nuntil [ -e /run/go ]; do usleep 100000; done\\nexec shadowctl finish\\n' >{Service}", Limit);
        guest.Run($"echo {Convert.ToBase64String(Encoding.ASCII.GetBytes(Show))} | base64 -d >/etc/show", Limit);
        guest.Run($"until [ -e {Lease} ]; do usleep 100000; done; rm {Lease}; sync", Limit);

        guest.Run("shadowctl start --cold && shadowctl wait --timeout 300", Long);
        guest.Run($"{Mode} set_mode 4 0; set_mode 1 {OldWidth}; set_mode 2 {OldHeight}; set_mode 3 32; set_mode 4 0x41; set_mode 9 8", Limit);
        Old = machine.Screen();
        guest.Run($"{Mode} devmem $((r + 0x41a)) 8 >/dev/null; devmem $((r + 0x400)) 8 0", Limit);
        string picture = guest.Run("shadowctl screen /tmp/screen.png; base64 /tmp/screen.png", Limit);
        Drawn = ScreenImage.ReadPng(Convert.FromBase64String(Regex.Replace(picture, @"\s", "")));
        guest.Begin("shadowctl switch");
        WaitForTrace("Hv: switched");
        Switched = machine.Screen();
        machine.Console.Send("\n");
        guest.LogIn(Limit);

        guest.Run("{ stty -echo; head -n 1; } </dev/tty1 >/tmp/ps2 & sleep 1", Limit);
        machine.Type("typedonps2\n");
        Ps2 = guest.Run("until [ -s /tmp/ps2 ]; do usleep 100000; done; cat /tmp/ps2", Limit);
        guest.Run("touch /run/go", Limit);
        NetworkAnswer? cold = WaitForAnswer(first);
        NetworkMoments coldMoments = NetworkMoments.Read(guest, Limit);
        const string keyboard = "$(grep -l 'USB Keyboard' /sys/class/input/event*/device/name | cut -d/ -f5)";
        guest.Run($"until [ {keyboard} ]; do usleep 100000; done; head -c 24 /dev/input/{keyboard} >/tmp/events & {{ stty -echo; head -n 1; }} </dev/tty1 >/tmp/usb & sleep 1", Limit);
        Found = machine.Screen();
        // Such a keyboard keeps 16 events.
        machine.Qmp.Type("usb7\n", onScreen: true);
        Usb = guest.Run("until [ -s /tmp/usb ] && [ -s /tmp/events ]; do usleep 100000; done; echo $(cat /tmp/usb) $(wc -c </tmp/events)", Limit);

        guest.Run($"cp {Saved} {Service}; rm /etc/modprobe.d/display.conf; sync", Limit);
        guest.WaitUntilIdle(Limit);
        guest.StartHeartbeat(Limit);
        Second = new DowntimeProbe(guest).MeasureShadow("shadowctl reboot --cold", Long, CancellationToken.None);
        guest.LogIn(Limit);
        Answers = [first, cold, Second.Network];
        Moments = [coldMoments, NetworkMoments.Read(guest, Limit)];
        Driver = guest.Run("until grep bochs /proc/fb; do usleep 100000; done; . /etc/show; sleep 1", Limit);
        Driven = machine.Screen();
    }

    private NetworkAnswer? WaitForAnswer(NetworkAnswer? before)
    {
        for (TimeSpan end = machine.Clock.Elapsed + Limit; machine.Clock.Elapsed < end; Thread.Sleep(Poll))
        {
            if (machine.AskOverNetwork(TimeSpan.FromSeconds(1)) is { } answer && answer.Boot != before?.Boot)
                return answer;
        }
        return null;
    }

    private void WaitForTrace(string line)
    {
        for (TimeSpan end = machine.Clock.Elapsed + Limit; !machine.ReadHvLog().Contains(line, StringComparison.Ordinal); Thread.Sleep(Poll))
        {
            if (machine.Clock.Elapsed > end || machine.HasExited)
                throw machine.Console.Failure($"Hv does not say '{line}'.");
        }
    }
}
