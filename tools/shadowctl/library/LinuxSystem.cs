using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Hv.ShadowControl;

/// <summary>Linux, by way of sysfs.</summary>
/// <param name="root">Where the file system begins; something else in tests.</param>
public sealed unsafe class LinuxSystem(string root = "/") : ISystem
{
    private const string NetworkClass = "0x02", ScreenDriver = "sys/bus/platform/drivers/efi-framebuffer", Screens = "sys/class/graphics", Buses = "sys/bus";
    private const int RealTime = 0;
    private static readonly TimeSpan ServiceManagerTime = TimeSpan.FromSeconds(30), DriverTime = TimeSpan.FromMinutes(2);

    // sysfs gives sizes in this unit, whatever the sector size is.
    private const int SizeUnit = 512;

    /// <inheritdoc/>
    public TimeSpan Uptime => Stopwatch.GetElapsedTime(0);

    /// <inheritdoc/>
    public DateTimeOffset Clock
    {
        get => DateTimeOffset.UtcNow;
        set
        {
            TimeSpan sinceEpoch = value - DateTimeOffset.UnixEpoch;
            long* time = stackalloc long[2];
            time[0] = (long)Math.Floor(sinceEpoch.TotalSeconds);
            time[1] = (sinceEpoch - TimeSpan.FromSeconds(time[0])).Ticks * TimeSpan.NanosecondsPerTick;
            if (SetTime(RealTime, time) != 0)
                throw new ControlException(ExitCode.Failed, "The clock cannot be set: " + Marshal.GetLastPInvokeErrorMessage() + ".");
        }
    }

    /// <inheritdoc/>
    public DateTimeOffset? HardwareClock
    {
        get
        {
            if (Read("etc/adjtime") is { } adjustment && adjustment.Contains("LOCAL", StringComparison.Ordinal))
                return null;
            return long.TryParse(Read("sys/class/rtc/rtc0/since_epoch"), CultureInfo.InvariantCulture, out long seconds)
                ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        }
    }

    /// <inheritdoc/>
    public IStorage Storage { get; } = new LinuxStorage(root);

    /// <inheritdoc/>
    public IAdminPort OpenPort() => LinuxAdminPort.Open(Path.Combine(root, "dev", FindController()));

    /// <inheritdoc/>
    public IDisk OpenDisk()
    {
        string name = FindController() + "n1";
        string folder = Path.Combine("sys/class/block", name);
        if (!ulong.TryParse(Read(Path.Combine(folder, "size")), CultureInfo.InvariantCulture, out ulong size)
            || !int.TryParse(Read(Path.Combine(folder, "queue/logical_block_size")), CultureInfo.InvariantCulture, out int sectorSize) || sectorSize < SizeUnit)
            throw new ControlException(ExitCode.Failed, $"The kernel does not know the disk {name}.");
        return LinuxDisk.Open(Path.Combine(root, "dev", name), sectorSize, size / (ulong)(sectorSize / SizeUnit));
    }

    /// <inheritdoc/>
    public void Sync() => SyncAll();

    /// <inheritdoc/>
    public void Reboot(string command)
    {
        if (command.Length == 0)
            command = Directory.Exists(Path.Combine(root, "run/systemd/system")) ? "systemctl reboot" : "reboot";
        int status = Execute(command);
        if (status != 0)
            throw new ControlException(ExitCode.Failed, $"'{command}' ended with wait status {status}: the shadow does not shut down.");
        // The shutdown ends this program.
        Thread.Sleep(Timeout.Infinite);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> DriverAliases()
    {
        var aliases = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string bus in Folders(Buses))
        {
            foreach (string device in Folders(Path.Combine(bus, "devices")))
            {
                if (Path.Exists(Path.Combine(device, "driver")) && Read(Path.Combine(device, "modalias")) is { Length: > 0 } alias && !alias.Contains('\n', StringComparison.Ordinal))
                    aliases.Add(alias);
            }
        }
        return [.. aliases];
    }

    /// <inheritdoc/>
    public void LoadDrivers(IReadOnlyList<string> aliases)
    {
        if (aliases.Count == 0)
            return;
        try
        {
            // Aliases are names of devices: what is on modprobe's blacklist is not loaded.
            using Process process = Process.Start(new ProcessStartInfo("modprobe", ["-a", "-q", .. aliases]))!;
            if (!process.WaitForExit(DriverTime))
                process.Kill();
        }
        catch (Win32Exception)
        {
            // No modprobe: a kernel without modules.
        }
    }

    /// <inheritdoc/>
    public UnitCatalog Units { get; } = new(root);

    /// <inheritdoc/>
    public void RescanPci()
    {
        string path = Path.Combine(root, "sys/bus/pci/rescan");
        try
        {
            // The firmware's frame buffer lies in a register range of the display: the kernel would not let that have its place.
            IReadOnlyList<string> screens = Unbind(ScreenDriver);
            File.WriteAllText(path, "1");
            if (RemoveHomeless())
                File.WriteAllText(path, "1");
            // Unless the display's own driver shows the console now.
            if (!Folders(Screens).Any(screen => Path.GetFileName(screen).StartsWith("fb", StringComparison.Ordinal) && Path.GetFileName(screen) != "fbcon"))
                Bind(ScreenDriver, screens);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ControlException(ExitCode.Failed, $"{path} cannot be written: {problem.Message}");
        }
    }

    private List<string> Unbind(string driver)
    {
        var devices = new List<string>();
        foreach (string device in Folders(driver))
        {
            if (!Path.Exists(Path.Combine(device, "driver_override")))
                continue;
            File.WriteAllText(Path.Combine(root, driver, "unbind"), Path.GetFileName(device));
            devices.Add(Path.GetFileName(device));
        }
        return devices;
    }

    private void Bind(string driver, IReadOnlyList<string> devices)
    {
        foreach (string device in devices)
            File.WriteAllText(Path.Combine(root, driver, "bind"), device);
    }

    private bool RemoveHomeless()
    {
        bool removed = false;
        string memory = Read("proc/iomem") ?? "", ports = Read("proc/ioports") ?? "";
        foreach (string device in Folders("sys/bus/pci/devices"))
        {
            if (Read(Path.Combine(device, "resource")) is not { } resource || !FixedResources.AreHomeless(Path.GetFileName(device), resource, memory, ports))
                continue;
            File.WriteAllText(Path.Combine(root, device, "remove"), "1");
            removed = true;
        }
        return removed;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string?> NetworkCards()
    {
        var cards = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (string device in Folders("sys/bus/pci/devices"))
        {
            if (Read(Path.Combine(device, "class"))?.StartsWith(NetworkClass, StringComparison.Ordinal) != true)
                continue;
            // A virtio function's interface belongs to the device below it. Links lead to other devices.
            IEnumerable<string> below = Folders(device).Where(folder => new DirectoryInfo(folder).LinkTarget == null);
            IEnumerable<string> interfaces = below.Prepend(device).SelectMany(owner => Folders(Path.Combine(owner, "net")));
            cards.Add(Path.GetFileName(device), interfaces.Select(Path.GetFileName).FirstOrDefault());
        }
        return cards;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> CriticalUnits => ConfigurationParser.Load(Storage).FailedUnits;

    /// <inheritdoc/>
    public bool RescansPci => ConfigurationParser.Load(Storage).RescansPci;

    /// <inheritdoc/>
    public IReadOnlyList<string>? RunningJobs() =>
        HasSystemd ? AskServiceManager(UnitList.ParseJobs, "list-jobs", "--plain", "--no-legend", "--full") : [];

    /// <inheritdoc/>
    public IReadOnlyList<string>? FailedUnits() =>
        HasSystemd ? AskServiceManager(UnitList.ParseListing, "list-units", "--state=failed", "--plain", "--no-legend", "--full") : [];

    private bool HasSystemd => Directory.Exists(Path.Combine(root, "run/systemd/system"));

    // What systemctl has written, or null if it could not be started, failed, or did not end in time.
    private static IReadOnlyList<string>? AskServiceManager(Func<string, IReadOnlyList<string>> parse, params string[] arguments)
    {
        var start = new ProcessStartInfo("systemctl", arguments) { RedirectStandardOutput = true };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (process.WaitForExit(ServiceManagerTime))
                return process.ExitCode == 0 ? parse(output.Result) : null;
            process.Kill();
            return null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Sleep(TimeSpan time) => Thread.Sleep(time);

    private string FindController() => LinuxStorage.FindController(root) is { } controller
        ? Path.GetFileName(controller) : throw new ControlException(ExitCode.NoHypervisor, "This system does not run under Hv.");

    private string[] Folders(string path)
    {
        try
        {
            string[] folders = Directory.GetDirectories(Path.Combine(root, path));
            Array.Sort(folders, StringComparer.Ordinal);
            return folders;
        }
        catch (IOException)
        {
            return [];
        }
    }

    private string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, path)).Trim();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "sync")]
    private static extern void SyncAll();

    [DllImport("libc", EntryPoint = "system")]
    private static extern int Execute(string command);

    [DllImport("libc", EntryPoint = "clock_settime", SetLastError = true)]
    private static extern int SetTime(int clock, long* time);
}
