using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>
/// What users save while a shadow boots is there after the switch: on a data partition, and in directories that are carried over. And the devices are,
/// though nobody in the rebooted system looks for them.
/// </summary>
public abstract class DataTests(BenchKind bench)
{
    // Without the display: who does not look for devices goes on with the firmware's frame buffer. Registers are the lines 1 to 6. On Bochs the firmware's
    // places are outside of the windows that its ACPI tables name: the kernel chooses others, and in a shadow it has fewer devices to choose for.
    private readonly string _devices = "for d in /sys/bus/pci/devices/*; do case $(cat $d/class) in 0x03*) ;; *) echo $d $(cat $d/vendor $d/device) " +
        "$(basename $(readlink $d/driver) 2>/dev/null) $(awk 'NR < " + (bench == BenchKind.BochsVmx ? 0 : 7) + " { print $1, $2 }' $d/resource);; esac; done; grep . /sys/class/net/*/address";

    private const string AcpiComplaints = "dmesg | grep -E 'ACPI( BIOS)? (Error|Warning|Exception)' || true";

    private readonly double _patience = bench.Patience();

    private TimeSpan Boot => TimeSpan.FromMinutes(3) * _patience;

    private TimeSpan Command => TimeSpan.FromMinutes(2) * _patience;

    private TimeSpan Shadow => TimeSpan.FromMinutes(10) * _patience;

    [Fact]
    public void Files_saved_while_the_shadow_boots_survive_the_switch_and_the_OS_finds_its_devices_without_help()
    {
        using Emulator emulator = Machine.Start(bench, "data", GuestKind.Small);
        try
        {
            Tell(Guest.Create(GuestKind.Small, emulator));
        }
        catch (BenchException e)
        {
            throw emulator.Explain(e);
        }
    }

    private void Tell(Guest guest)
    {
        guest.WaitUntilUp(Boot);
        guest.LogIn(Command);
        Assert.Contains("data    nvme0n1p", guest.Run("shadowctl check", Command), StringComparison.Ordinal);
        Assert.Contains(" /srv/data ", guest.Run("until grep /srv/data /proc/mounts; do sleep 1; done", Command), StringComparison.Ordinal);
        guest.Run("for f in kept both gone same; do echo before >/root/$f; echo before >/srv/data/$f; done", Command);
        guest.Run("echo before >/var/log/left; mkdir -p /root/folder; ln -s kept /root/link", Command);
        // The shadow's own change, made by its first program after the root file system can be written.
        guest.Run("printf '#!/bin/sh\\n[ -e /run/primary ] || { echo shadow >/root/both; echo shadow >/root/own; sync; }\\n' >/etc/rc.d/00-change; chmod +x /etc/rc.d/00-change; touch /run/primary", Command);
        // Nobody looks for devices after the switch: the OS is told of them.
        guest.Run("echo rescan = no >>/etc/shadowreboot.conf; sync", Command);
        string devices = guest.Run(_devices, Command), warnings = guest.Run(AcpiComplaints, Command);

        guest.Run("shadowctl start", Command);
        foreach (string file in new[] { "/root/kept", "/srv/data/kept", "/root/both", "/root/folder/new", "/srv/data/new", "/var/log/left" })
            guest.Run($"echo primary | dd of={file} conv=fsync 2>/dev/null", Command);
        guest.Run("rm /root/gone /srv/data/gone; ln -sf folder/new /root/link; chmod 640 /root/folder/new; chown 7:8 /root/folder/new; touch -t 202001020304 /root/folder/new", Command);
        guest.Run("shadowctl wait", Shadow);
        // Late ones: the shadow has looked at the partition's first blocks by now.
        guest.Run("echo late | dd of=/srv/data/late conv=fsync 2>/dev/null; echo late >/root/late", Command);
        guest.SwitchToShadow(Command);

        guest.Run("until [ -e /sys/class/net/eth0 ]; do sleep 1; done", Command);
        Assert.Equal(devices, guest.Run(_devices, Command));
        Assert.NotNull(guest.Emulator.AskOverNetwork(Command));
        // What came by itself is not found a second time.
        guest.Run("echo 1 >/sys/bus/pci/rescan", Command);
        Assert.Equal(devices, guest.Run(_devices, Command));
        Assert.Equal("", warnings);
        Assert.Equal("", guest.Run(AcpiComplaints, Command));

        guest.Run("until grep /srv/data /proc/mounts; do sleep 1; done", Command);
        guest.Run("while [ \"$(shadowctl status --json | grep -c '\"last_view\": \"none\"')\" = 0 ]; do sleep 1; done", Command);
        Assert.Equal("primary", guest.Run("cat /srv/data/kept", Command));
        Assert.Equal("primary", guest.Run("cat /srv/data/new", Command));
        Assert.Equal("late", guest.Run("cat /srv/data/late", Command));
        Assert.Equal("both kept late lost+found new same", guest.Run("ls /srv/data | xargs echo", Command));
        Assert.Equal("primary", guest.Run("cat /root/kept", Command));
        Assert.Equal("late", guest.Run("cat /root/late", Command));
        Assert.Equal("before", guest.Run("cat /root/same", Command));
        Assert.Equal("shadow", guest.Run("cat /root/both", Command));
        Assert.Equal("primary", guest.Run("cat /root/both.from-before-reboot", Command));
        Assert.Equal("shadow", guest.Run("cat /root/own", Command));
        Assert.Equal("primary", guest.Run("cat /root/link", Command));
        Assert.Equal("640 7 8 2020-01-02", guest.Run("stat -c '%a %u %g %y' /root/folder/new | cut -d' ' -f1-4", Command));
        Assert.NotEqual(0, guest.TryRun("ls /root/gone", Command).Status);
        Assert.Equal("before", guest.Run("cat /var/log/left", Command));
        Assert.Equal("0", guest.Run("dmesg | grep -c -E 'EXT4-fs (error|warning)|I/O error' || true", Command));
        // A key on the real keyboard arrives in the new system.
        guest.Run("head -n 1 </dev/tty1 >/tmp/typed & sleep 1", Command);
        guest.Emulator.Type("ps2\n");
        Assert.Equal("ps2", guest.Run("until [ -s /tmp/typed ]; do sleep 1; done; cat /tmp/typed", Command));
        // The second namespace is gone, and another shadow can be started.
        Assert.Equal("nvme0n1", guest.Run("ls /sys/block | grep nvme | xargs echo", Command));
        guest.Run("shadowctl start && shadowctl abort", Command);
    }
}
