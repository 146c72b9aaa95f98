using System;
using System.IO;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class LinuxSystemTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("hv-root-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_machine_without_NVMe_does_not_run_under_Hv()
    {
        Assert.Equal(ExitCode.NoHypervisor, Assert.Throws<ControlException>(() => new LinuxSystem(_root).OpenPort()).ExitCode);
    }

    [Fact]
    public void Another_makers_controller_is_left_alone()
    {
        Write("sys/class/nvme/nvme0/model", "QEMU NVMe Ctrl                          \n");
        Assert.Equal(ExitCode.NoHypervisor, Assert.Throws<ControlException>(() => new LinuxSystem(_root).OpenPort()).ExitCode);
    }

    [Fact]
    public void The_controller_is_found_by_its_model()
    {
        Write("sys/class/nvme/nvme0/model", "QEMU NVMe Ctrl                          \n");
        Write("sys/class/nvme/nvme1/model", "Hv Virtual NVMe                         \n");
        Write("dev/nvme1", "");
        using IAdminPort port = new LinuxSystem(_root).OpenPort();
        // A file is no NVMe controller: the ioctl comes back as "not for this device".
        var problem = Assert.Throws<ControlException>(() => port.Send(new AdminCommand(0xc2), new byte[4096]));
        Assert.Equal(ExitCode.Failed, problem.ExitCode);
        Assert.Contains("dev/nvme1 did not take the command", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Network_cards_are_the_PCI_functions_of_class_2()
    {
        Write("sys/bus/pci/devices/0000:00:01.0/class", "0x010802\n");
        Write("sys/bus/pci/devices/0000:00:02.0/class", "0x020000\n");
        Write("sys/bus/pci/devices/0000:00:03.0/class", "0x028000\n");
        Write("sys/bus/pci/devices/0000:00:04.0/class", "0x020000\n");
        Write("sys/bus/pci/devices/0000:00:02.0/net/enp0s2/address", "x");
        Write("sys/bus/pci/devices/0000:00:04.0/virtio1/net/enp0s4/address", "x");
        var cards = new LinuxSystem(_root).NetworkCards();
        Assert.Equal(3, cards.Count);
        Assert.Equal("enp0s2", cards["0000:00:02.0"]);
        Assert.Equal("enp0s4", cards["0000:00:04.0"]);
        Assert.Null(cards["0000:00:03.0"]);
    }

    [Fact]
    public void The_hardware_clock_counts_only_if_it_holds_UTC()
    {
        var system = new LinuxSystem(_root);
        Assert.Null(system.HardwareClock);
        Write("sys/class/rtc/rtc0/since_epoch", "1700000000\n");
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1700000000), system.HardwareClock);
        Write("etc/adjtime", "0.0 0 0.0\n0\nUTC\n");
        Assert.NotNull(system.HardwareClock);
        Write("etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n");
        Assert.Null(system.HardwareClock);
    }

    [Fact]
    public void The_kernel_is_asked_to_look_for_PCI_devices()
    {
        Assert.Throws<ControlException>(() => new LinuxSystem(_root).RescanPci());
        Write("sys/bus/pci/rescan", "");
        new LinuxSystem(_root).RescanPci();
        Assert.Equal("1", File.ReadAllText(Path.Combine(_root, "sys/bus/pci/rescan")));
    }

    [Theory]
    [InlineData(false, "efi-framebuffer.0")]
    [InlineData(true, "")]
    public void The_firmwares_frame_buffer_makes_way_for_the_display_and_comes_back_if_that_has_no_driver(bool hasDriver, string bound)
    {
        const string driver = "sys/bus/platform/drivers/efi-framebuffer/";
        Write("sys/bus/pci/rescan", "");
        Write(driver + "efi-framebuffer.0/driver_override", "(null)\n");
        Write(driver + "module/refcnt", "0\n");
        Write(driver + "bind", "");
        Write("sys/class/graphics/fbcon/rotate", "0\n");
        if (hasDriver)
            Write("sys/class/graphics/fb0/name", "bochs-drmdrmfb\n");

        new LinuxSystem(_root).RescanPci();

        Assert.Equal("efi-framebuffer.0", File.ReadAllText(Path.Combine(_root, driver + "unbind")));
        Assert.Equal(bound, File.ReadAllText(Path.Combine(_root, driver + "bind")));
        Assert.Equal("1", File.ReadAllText(Path.Combine(_root, "sys/bus/pci/rescan")));
    }

    [Fact]
    public void A_device_whose_place_is_taken_is_found_anew_and_no_other_one()
    {
        Write("sys/bus/pci/rescan", "");
        Write("proc/iomem", "c0000000-febfffff : PCI Bus 0000:00\n  feb80000-feb9ffff : 0000:00:03.0\n    feb80000-feb9ffff : e1000\n");
        Write("proc/ioports", "0000-0cf7 : PCI Bus 0000:00\n  c040-c05f : 0000:00:03.0\n");
        const string memory = "0x00000000feb80000 0x00000000feb9ffff 0x0000000000000210\n", ports = "0x000000000000c040 0x000000000000c05f 0x0000000000000110\n",
            none = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n", free = "0x00000000feb80000 0x00000000feb9ffff 0x0000000000040200\n";
        Write("sys/bus/pci/devices/0000:00:03.0/resource", memory + ports + none);
        Write("sys/bus/pci/devices/0000:00:04.0/resource", none + ports);
        Write("sys/bus/pci/devices/0000:00:05.0/resource", free);
        Write("sys/bus/pci/devices/0000:00:06.0/resource", memory);

        new LinuxSystem(_root).RescanPci();

        Assert.False(File.Exists(Path.Combine(_root, "sys/bus/pci/devices/0000:00:03.0/remove")));
        Assert.Equal("1", File.ReadAllText(Path.Combine(_root, "sys/bus/pci/devices/0000:00:04.0/remove")));
        Assert.False(File.Exists(Path.Combine(_root, "sys/bus/pci/devices/0000:00:05.0/remove")));
        Assert.Equal("1", File.ReadAllText(Path.Combine(_root, "sys/bus/pci/devices/0000:00:06.0/remove")));
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
