using System;
using System.IO;
using System.Linq;
using Hv.Drivers.Control;
using Hv.HostTests.MkImage;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

/// <summary>Services that wait for the network do so after the switch, and devices come back before anything else.</summary>
public sealed class NetworkTests : IDisposable
{
    private const string WaitOnline = "systemd-networkd-wait-online.service", Ready = "shadowctl-ready.service", DropIn = ".d/50-shadowctl.conf";

    private readonly string _folder = Directory.CreateTempSubdirectory("hv-network-").FullName;
    private readonly FakeSystem _system = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public NetworkTests()
    {
        _system.UnitRoot = Path.Combine(_folder, "root");
        Hypervisor.Status.Role = ControlRole.Shadow;
    }

    private FakeHypervisor Hypervisor => _system.Hypervisor;

    private string Units => Path.Combine(_folder, "early");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_waits_for_the_network_waits_for_the_switch_and_the_boot_is_over_without_it()
    {
        Install("lib/systemd/system", WaitOnline);
        Enable("etc/systemd/system/network-online.target.wants", WaitOnline);
        Generate();
        string[] lines = Lines(WaitOnline + DropIn);
        Assert.Contains("Wants=shadowctl-network.service", lines);
        Assert.Contains("After=shadowctl-network.service", lines);
        Assert.Contains("ExecStart=shadowctl ready --finish --when-idle", Lines(Ready));
        Assert.Equal([Ready, WaitOnline + ".d"], Entries());
    }

    [Fact]
    public void Units_made_of_a_template_wait_too()
    {
        Install("usr/lib/systemd/system", "systemd-networkd-wait-online@.service");
        Enable("etc/systemd/system/network-online.target.wants", "systemd-networkd-wait-online@eth0.service");
        Generate();
        Assert.Contains("After=shadowctl-network.service", Lines("systemd-networkd-wait-online@.service" + DropIn));
        Assert.Contains(Ready, Entries());
    }

    [Fact]
    public void What_nothing_asks_for_changes_nothing_about_when_a_shadow_is_ready()
    {
        Install("lib/systemd/system", WaitOnline);
        Generate();
        Assert.Equal([WaitOnline + ".d"], Entries());
    }

    [Fact]
    public void What_sets_cards_up_once_is_skipped_and_started_after_the_switch()
    {
        Install("lib/systemd/system", "networking.service");
        Enable("etc/systemd/system/multi-user.target.wants", "networking.service");
        Generate();
        Assert.Contains("ConditionPathExists=/run/shadowctl/network", Lines("networking.service" + DropIn));
        Assert.NotNull(new FileInfo(Path.Combine(Units, "shadowctl-network.target.wants/networking.service")).LinkTarget);
        Assert.NotNull(new FileInfo(Path.Combine(Units, "sysinit.target.wants/shadowctl-network.service")).LinkTarget);
        Assert.DoesNotContain(Ready, Entries());
    }

    [Fact]
    public void The_gate_opens_what_was_skipped()
    {
        string[] gate = File.ReadAllLines(ShadowctlFile("shadowctl-network.service"));
        Assert.Contains("ExecStart=shadowctl await-network", gate);
        int mark = Array.IndexOf(gate, "ExecStartPost=mkdir -p /run/shadowctl/network"), start = Array.IndexOf(gate, "ExecStartPost=systemctl start --no-block shadowctl-network.target");
        Assert.InRange(mark, 0, start - 1);
        Assert.Contains("TimeoutStartSec=infinity", gate);
        Assert.True(File.Exists(ShadowctlFile("shadowctl-network.target")));
    }

    [Fact]
    public void The_administrator_can_name_other_units()
    {
        Install("lib/systemd/system", WaitOnline);
        Enable("etc/systemd/system/network-online.target.wants", WaitOnline);
        Install("etc/systemd/system", "nginx.service");
        Enable("etc/systemd/system/multi-user.target.wants", "nginx.service");
        _system.Disks.Configuration = $"wait-for-network = nginx.service\nskip-until-network = {WaitOnline}\n";
        Generate();
        Assert.Contains("After=shadowctl-network.service", Lines("nginx.service" + DropIn));
        Assert.Contains("ConditionPathExists=/run/shadowctl/network", Lines(WaitOnline + DropIn));
        Assert.Equal(ExitCode.Success, Run("check"));
        Assert.Contains("waits for the switch and the network cards: nginx.service", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains($"is skipped until then: {WaitOnline}", _output.ToString(), StringComparison.Ordinal);
    }

    [NeedsToolFact("systemd-analyze", "systemd")]
    public void Systemd_takes_the_units_and_finds_no_circle_in_them()
    {
        const string gate = "shadowctl-network.service", real = "/lib/systemd/system/", network = "network-online.target";
        Install("lib/systemd/system", "networking.service");
        Install("lib/systemd/system", WaitOnline);
        Enable("etc/systemd/system/network-online.target.wants", WaitOnline);
        Generate();
        string own = Directory.CreateDirectory(Path.Combine(_folder, "own")).FullName;
        File.WriteAllText(Path.Combine(own, "networking.service"), "[Unit]\nBefore=network.target\n[Service]\nType=oneshot\nExecStart=/bin/true\n");
        File.WriteAllText(Path.Combine(own, "needs.service"), $"[Unit]\nWants={network}\nAfter={network}\n[Service]\nExecStart=/bin/true\n");
        File.WriteAllText(Path.Combine(own, WaitOnline), $"[Unit]\nDefaultDependencies=no\nBefore={network}\n[Service]\nType=oneshot\nExecStart=/bin/true\n");
        foreach ((string target, string unit) in new[] { (network, WaitOnline), ("multi-user.target", "needs.service"), ("multi-user.target", "networking.service"), ("multi-user.target", Ready) })
            File.CreateSymbolicLink(Path.Combine(Directory.CreateDirectory(Path.Combine(own, target + ".wants")).FullName, unit), Path.Combine(own, unit));
        foreach (string unit in new[] { gate, "shadowctl-network.target" })
            File.Copy(ShadowctlFile(unit), Path.Combine(own, unit));
        // The programs need not be there.
        foreach (string unit in new[] { Path.Combine(own, gate), Path.Combine(Units, Ready) })
            File.WriteAllText(unit, File.ReadAllText(unit).Replace("=shadowctl ", "=/bin/true ", StringComparison.Ordinal));

        (int code, string output) = Tool.Run("env", $"SYSTEMD_UNIT_PATH={Units}:{own}:{real}", "SYSTEMD_LOG_LEVEL=debug", "systemd-analyze", "verify", "--man=no", "multi-user.target", "sysinit.target", "networking.service", "shadowctl-network.target", WaitOnline, gate);

        Assert.True(code == 0, output);
        Assert.DoesNotContain("cycle", output, StringComparison.Ordinal);
        Assert.Matches($@"Unit {WaitOnline}:(?s:(?!-> Unit).)*After: {gate}", output);
        Assert.Matches(@"Unit networking\.service:(?s:(?!-> Unit).)*ConditionPathExists: /run/shadowctl/network(?s:(?!-> Unit).)*WantedBy: shadowctl-network\.target", output);
        Assert.Matches($@"Unit sysinit\.target:(?s:(?!-> Unit).)*Wants: {gate}", output);
    }

    [Theory]
    [InlineData("wait-for-network = none\nskip-until-network = none\n", ControlRole.Shadow)]
    [InlineData("", ControlRole.Primary)]
    [InlineData("", ControlRole.Promoted)]
    public void Nothing_is_changed_elsewhere_or_against_the_administrators_will(string configuration, ControlRole role)
    {
        Install("lib/systemd/system", WaitOnline);
        Install("lib/systemd/system", "networking.service");
        Enable("etc/systemd/system/network-online.target.wants", WaitOnline);
        _system.Disks.Configuration = configuration;
        Hypervisor.Status.Role = role;
        Assert.Equal(ExitCode.Success, Run("generator", Units));
        Assert.False(Directory.Exists(Units));
    }

    [Fact]
    public void The_network_is_waited_for_until_the_switch_and_until_every_card_has_an_interface()
    {
        Add(0, 0x10, 0x0200);
        Add(1, 0x18, 0x0300);
        Add(2, 0x20, 0x0280);
        _system.Cards.Add("0000:00:02.0", TimeSpan.FromSeconds(1));
        _system.Cards.Add("0000:00:04.0", TimeSpan.FromSeconds(4));
        TimeSpan switched = default;
        Hypervisor.AtWait = () =>
        {
            _system.Uptime += TimeSpan.FromHours(1);
            switched = _system.Uptime;
            Hypervisor.Status.Role = ControlRole.Promoted;
            Hypervisor.Status.Sequence++;
            _system.RescanPci();
        };
        Assert.Equal(ExitCode.Success, Run("await-network"));
        Assert.InRange((_system.Uptime - switched).TotalSeconds, 4, 4.2);
    }

    [Fact]
    public void A_card_that_does_not_come_back_is_not_waited_for_for_ever()
    {
        Add(0, 0x10, 0x0200);
        Hypervisor.Status.Role = ControlRole.Promoted;
        TimeSpan start = _system.Uptime;
        Assert.Equal(ExitCode.TimedOut, Run("await-network", "--timeout", "7"));
        Assert.InRange((_system.Uptime - start).TotalSeconds, 7, 7.2);
        Assert.Contains("0000:00:02.0", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void In_the_primary_the_network_is_not_waited_for()
    {
        Add(0, 0x10, 0x0200);
        Hypervisor.Status.Role = ControlRole.Primary;
        TimeSpan start = _system.Uptime;
        Assert.Equal(ExitCode.Success, Run("await-network"));
        Assert.Equal(start, _system.Uptime);
    }

    [Fact]
    public void The_primarys_drivers_and_network_cards_are_noted_at_the_start_and_the_drivers_loaded_before_a_shadow_is_ready()
    {
        _system.Aliases.AddRange(["pci:v00008086d000010D3", "usb:v046Dp"]);
        Hypervisor.Status.Role = ControlRole.Primary;
        _system.Cards.Add("0000:00:02.0", TimeSpan.Zero);
        _system.Cards.Add("0000:00:03.0", null);
        _system.RescanPci();
        Assert.Equal(ExitCode.Success, Run("start"));
        Assert.Equal(_system.Aliases, _system.Disks.Drivers);
        Assert.Equal(["0000:00:02.0"], _system.Disks.NetworkCards);
        _system.Calls.Clear();
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.PromotionAt = _system.Uptime + TimeSpan.FromSeconds(1);
        Assert.Equal(ExitCode.Success, Run("ready"));
        Assert.Equal(["load pci:v00008086d000010D3 usb:v046Dp", "ready", "close"], _system.Calls);
    }

    [Fact]
    public void Devices_are_looked_for_before_the_clock_is_set_and_files_are_carried_over()
    {
        var system = new FakeSystem { ClockError = TimeSpan.FromHours(1) };
        system.Hypervisor.Status.LastView = LastViewState.Lost;
        Assert.Throws<ControlException>(() => new Promotion(system, new ControlClient(system.Hypervisor), _error).Finish(TimeSpan.FromSeconds(10)));
        Assert.Equal(["rescan", "set clock", "release"], system.Calls);
    }

    [Fact]
    public void Aliases_are_those_of_devices_with_drivers_each_once()
    {
        string root = Path.Combine(_folder, "root");
        foreach ((string device, string alias, bool hasDriver) in new[] { ("pci/devices/a", "pci:one", true), ("pci/devices/b", "pci:two", false), ("usb/devices/c", "usb:x", true), ("usb/devices/d", "usb:x", true) })
        {
            string folder = Directory.CreateDirectory(Path.Combine(root, "sys/bus", device)).FullName;
            File.WriteAllText(Path.Combine(folder, "modalias"), alias + "\n");
            if (hasDriver)
                Directory.CreateDirectory(Path.Combine(folder, "driver"));
        }
        Assert.Equal(["pci:one", "usb:x"], new LinuxSystem(root).DriverAliases());
        var storage = new LinuxStorage(root);
        Assert.Empty(storage.NotedDrivers());
        storage.NoteDrivers(["pci:one", "usb:x"]);
        Assert.Equal(["pci:one", "usb:x"], storage.NotedDrivers());
    }

    [Theory]
    [InlineData("a@b.service", "a@.service")]
    [InlineData("a@.service", "a@.service")]
    [InlineData("a.service", null)]
    public void Templates_are_named_as_systemd_names_them(string unit, string? template) => Assert.Equal(template, UnitCatalog.TemplateOf(unit));

    private void Generate() => Assert.Equal(ExitCode.Success, Run("generator", Units));

    private string[] Lines(string file) => File.ReadAllLines(Path.Combine(Units, file));

    private string[] Entries() => [.. Directory.GetFileSystemEntries(Units).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal)];

    private void Install(string place, string unit)
    {
        string folder = Path.Combine(_system.UnitRoot, place);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, unit), "[Unit]\n");
    }

    private void Enable(string wants, string unit)
    {
        string folder = Path.Combine(_system.UnitRoot, wants);
        Directory.CreateDirectory(folder);
        File.CreateSymbolicLink(Path.Combine(folder, unit), "/lib/systemd/system/" + unit);
    }

    private void Add(int index, ushort address, ushort pciClass)
    {
        Hypervisor.Status.WriteQuiesce(index, new QuiesceRecord { Address = address, Class = pciClass });
        Hypervisor.Status.QuiesceCount = (uint)index + 1;
    }

    private static string ShadowctlFile(string name)
    {
        string folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "tools/shadowctl")))
            folder = Path.GetDirectoryName(folder)!;
        return Path.Combine(folder, "tools/shadowctl", name);
    }

    private int Run(params string[] arguments) => new CommandLine(_system, _output, _error).Run(arguments);
}
