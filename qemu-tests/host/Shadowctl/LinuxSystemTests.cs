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
        Write("sys/bus/pci/devices/0000:00:02.0/net/enp0s2/address", "x");
        var cards = new LinuxSystem(_root).NetworkCards();
        Assert.Equal(2, cards.Count);
        Assert.Equal("enp0s2", cards["0000:00:02.0"]);
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

    private void Write(string path, string text)
    {
        string full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
