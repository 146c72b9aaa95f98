using System;
using System.IO;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

/// <summary>What shadowctl does about data partitions and carried directories, and in which order.</summary>
public sealed class DataFlowTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hv-data-").FullName;
    private readonly FakeSystem _system = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public DataFlowTests()
    {
        _system.Disks.Disk.Add(new DiskPartition(2, "nvme0n1p2", "259:2", 17 << 20, 128 << 20, "", "root", "1111-2222"));
        _system.Disks.Disk.Add(new DiskPartition(3, "nvme0n1p3", "259:3", 145 << 20, 32 << 20, "", "data", "3333-4444"));
        _system.Disks.Mounted.Add(new MountedFileSystem("259:2", "/", "/", "ext4"));
        _system.Disks.Mounted.Add(new MountedFileSystem("259:3", "/", "/srv/data", "ext4"));
        _system.Disks.Entries.Add(new FstabEntry("UUID=3333-4444", "/srv/data", "ext4", "noatime,x=50%", 2));
        _system.Disks.Configuration = "data = /srv/data\n";
    }

    private FakeHypervisor Hypervisor => _system.Hypervisor;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Hv_is_told_before_the_start_and_the_start_is_noted_before_it()
    {
        Assert.Equal(ExitCode.Success, Run("start"));
        Assert.Equal(["mark", "start", "close"], _system.Calls);
        Assert.True(DataTable.TryReadHeader(Hypervisor.Data, (uint)Hypervisor.Data.Length, out uint flags, out int ranges));
        Assert.Equal((DataTable.KeepLastView, 1), (flags, ranges));
    }

    [Fact]
    public void The_start_is_noted_before_the_sync_of_a_cold_start()
    {
        Assert.Equal(ExitCode.Success, Run("start", "--cold"));
        Assert.Equal(["mark", "sync", "start", "close"], _system.Calls);
    }

    [Fact]
    public void A_wrong_configuration_starts_nothing()
    {
        _system.Disks.Configuration = "\ndata = UUID=0000-0000\n";
        Assert.Equal(ExitCode.Usage, Run("start"));
        Assert.Equal(["close"], _system.Calls);
        Assert.Contains("/etc/shadowreboot.conf:2: ", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shadow_is_not_started_while_files_are_still_carried_over()
    {
        Hypervisor.Status.LastView = LastViewState.Present;
        Assert.Equal(ExitCode.Failed, Run("start"));
        Assert.DoesNotContain("start", _system.Calls);
        Assert.Contains("shadowctl carry", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void File_systems_are_frozen_for_the_switch_and_thawed_if_it_fails()
    {
        _system.Disks.Unfreezable.Add("/srv/data");
        Hypervisor.Refusals.Add(ControlOpcode.Switch, ControlStatus.NotReady);
        Assert.Equal(ExitCode.Failed, Run("switch"));
        Assert.Equal(["sync", "freeze /", "freeze /srv/data", "thaw /", "close"], _system.Calls);
    }

    [Fact]
    public void Without_a_last_view_nothing_is_carried() => Assert.Null(Carry());

    [Fact]
    public void The_last_view_is_mounted_carried_from_and_released()
    {
        string home = Path.Combine(_folder, "home"), view = Path.Combine(_folder, "view");
        Directory.CreateDirectory(home);
        Directory.CreateDirectory(Path.Combine(view, home.TrimStart('/')));
        File.WriteAllText(Path.Combine(view, home.TrimStart('/'), "file"), "saved");
        _system.Disks.Configuration = $"carry = {home}\n";
        _system.Disks.LastView = "nvme0n2";
        _system.Disks.MountFolder = view;
        Hypervisor.Status.LastView = LastViewState.Present;
        Assert.Equal(1, Carry()!.Taken);
        Assert.Equal("saved", File.ReadAllText(Path.Combine(home, "file")));
        Assert.Equal(["mount nvme0n2p2 ext4", "unmount", "sync", "release"], _system.Calls);
    }

    [Theory]
    [InlineData(LastViewState.Lost, true, "memory")]
    [InlineData(LastViewState.Present, false, "not known when")]
    [InlineData(LastViewState.Present, true, "did not appear")]
    public void What_cannot_be_carried_is_reported_and_the_view_released(LastViewState state, bool marked, string part)
    {
        Hypervisor.Status.LastView = state;
        _system.Disks.Mark = marked ? 1 : null;
        var problem = Assert.Throws<ControlException>(() => Carry());
        Assert.Contains(part, problem.Message, StringComparison.Ordinal);
        Assert.Equal("release", _system.Calls[^1]);
    }

    [Fact]
    public void Data_is_waited_for_until_the_switch_and_its_cached_blocks_are_forgotten()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.AtWait = () => Hypervisor.Status.Role = ControlRole.Promoted;
        Assert.Equal(ExitCode.Success, Run("await-data"));
        Assert.Contains("forget nvme0n1p3", _system.Calls);
    }

    [Fact]
    public void In_the_primary_data_is_not_waited_for()
    {
        Assert.Equal(ExitCode.Success, Run("await-data"));
        Assert.Equal(["close"], _system.Calls);
    }

    [Fact]
    public void Readiness_waits_for_the_service_managers_jobs_but_for_those_that_wait_for_the_switch()
    {
        TimeSpan start = _system.Uptime;
        _system.Jobs = now => now < start + TimeSpan.FromSeconds(5) ? ["shadowctl-data.service", "ssh.service"] : ["shadowctl-data.service", "shadowctl-ready.service"];
        new Promotion(_system, new ControlClient(Hypervisor), _error).WaitUntilIdle(TimeSpan.MaxValue);
        Assert.InRange((_system.Uptime - start).TotalSeconds, 8, 9);
    }

    [Fact]
    public void Readiness_does_not_wait_for_ever_for_a_job_that_does_not_end()
    {
        TimeSpan start = _system.Uptime;
        _system.Jobs = _ => ["fstrim.service"];
        new Promotion(_system, new ControlClient(Hypervisor), _error).WaitUntilIdle(TimeSpan.FromSeconds(30));
        Assert.InRange((_system.Uptime - start).TotalSeconds, 30, 31);
    }

    [Fact]
    public void The_check_of_critical_units_does_not_wait_for_the_gate_of_the_data_partitions()
    {
        int asked = 0;
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.PromotionAt = _system.Uptime + TimeSpan.FromHours(1);
        _system.CriticalUnits = ["ssh.service"];
        _system.Jobs = _ =>
        {
            asked++;
            return ["shadowctl-data.service"];
        };
        Assert.Equal(ExitCode.Success, Run("ready", "--when-idle"));
        Assert.Equal(3, asked);
    }

    [Fact]
    public void The_generator_makes_mounts_of_data_wait_in_a_shadow_and_does_nothing_elsewhere()
    {
        Assert.Equal(ExitCode.Success, Run("generator", _folder));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Hypervisor.Status.Role = ControlRole.Shadow;
        Assert.Equal(ExitCode.Success, Run("generator", _folder));
        string[] unit = File.ReadAllLines(Path.Combine(_folder, "srv-data.mount"));
        foreach (string line in new[] { "Requires=shadowctl-data.service", "After=shadowctl-data.service", "What=/dev/nvme0n1p3", "Where=/srv/data", "Type=ext4", "Options=noatime,x=50%%" })
            Assert.Contains(line, unit);
        Assert.Equal("/dev/null", new FileInfo(Path.Combine(_folder, "local-fs.target.requires/srv-data.mount")).LinkTarget);
        Assert.NotNull(new FileInfo(Path.Combine(_folder, "shadowctl-promoted.target.wants/srv-data.mount")).LinkTarget);
        Assert.NotNull(new FileInfo(Path.Combine(_folder, "sysinit.target.wants/shadowctl-data.service")).LinkTarget);
        Assert.Contains("--when-idle", File.ReadAllText(Path.Combine(_folder, "shadowctl-ready.service")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/", "-.mount")]
    [InlineData("/srv/data", "srv-data.mount")]
    [InlineData("/my-files/.x y", "my\\x2dfiles-.x\\x20y.mount")]
    [InlineData("/.hidden", "\\x2ehidden.mount")]
    public void Units_are_named_as_systemd_names_them(string path, string name) => Assert.Equal(name, MountGenerator.UnitName(path));

    [Fact]
    public void Check_shows_what_the_configuration_means()
    {
        Assert.Equal(ExitCode.Success, Run("check"));
        string[] lines = _output.ToString().Split('\n');
        Assert.Contains(lines, line => line.StartsWith("data    nvme0n1p3", StringComparison.Ordinal) && line.EndsWith("/srv/data", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("system  nvme0n1p2", StringComparison.Ordinal));
        Assert.Contains("carry   /root (on nvme0n1p2)", lines);
        string file = Path.Combine(_folder, "conf");
        File.WriteAllText(file, "nonsense\n");
        Assert.Equal(ExitCode.Usage, Run("check", "--file", file));
        Assert.Contains(file + ":1: ", _error.ToString(), StringComparison.Ordinal);
    }

    private CarryReport? Carry() => new LastViewCarrier(_system, new ControlClient(Hypervisor), _error).Carry(_system.Clock);

    private int Run(params string[] arguments) => new CommandLine(_system, _output, _error).Run(arguments);
}
