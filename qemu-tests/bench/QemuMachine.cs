using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>
/// A machine with UEFI (q35 unless asked otherwise), one processor unless asked for more, an Intel network card and the guest's disk; Hv comes on a USB stick, as a user would
/// bring it.
/// </summary>
public abstract class QemuMachine(MachineOptions options) : Emulator(options)
{
    private const int UsualMemoryMiB = 3072;
    private const long SlowBytesPerSecond = 1_000_000;
    private const string Firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd", FirmwareVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

    // The path of a Unix socket is limited to 107 bytes, so sockets do not live in the run's folder.
    private readonly string sockets = Directory.CreateTempSubdirectory("hv-").FullName;

    /// <summary>The machine protocol's connection.</summary>
    public Qmp Qmp { get; private set; } = null!;

    /// <inheritdoc/>
    public override string HvLogFile => InRun("hv.log");

    /// <summary>Reads and writes of physical addresses from outside, if <see cref="MachineOptions.HasBusAccess"/>.</summary>
    public BusAccess Bus { get; private set; } = null!;

    /// <summary>The name of the guest's disk for <see cref="Qmp.DiskCounters"/>.</summary>
    public const string GuestDrive = "os";

    /// <summary>The arguments that choose the processor.</summary>
    protected abstract IEnumerable<string> ProcessorArguments { get; }

    /// <inheritdoc/>
    public override void Pause() => Qmp.Execute("stop");

    /// <inheritdoc/>
    public override void Resume() => Qmp.Execute("cont");

    /// <inheritdoc/>
    public override void SlowDiskDown() => Qmp.LimitWrites(GuestDrive, SlowBytesPerSecond);

    /// <inheritdoc/>
    public override void Type(string text) => Qmp.Type(text);

    /// <summary>A picture of the screen.</summary>
    public ScreenImage Screen()
    {
        string path = InRun("screen.ppm");
        Qmp.Screendump(path);
        return ScreenImage.ReadPpm(File.ReadAllBytes(path));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        Qmp?.Dispose();
        Bus?.Dispose();
        Directory.Delete(sockets, recursive: true);
    }

    /// <inheritdoc/>
    protected override OwnedProcess Launch()
    {
        if (!File.Exists(Firmware))
            throw new BenchException($"The firmware {Firmware} is missing (Debian package ovmf).");
        File.Copy(FirmwareVariables, InRun("efi-variables.fd"), overwrite: true);
        List<string> arguments =
        [
            "-nodefaults", "-no-user-config", "-name", "hv", "-machine", Options.Chipset == Chipset.Q35 ? "q35" : "pc", .. ProcessorArguments,
            "-smp", $"{Options.Processors}", "-m", $"{(Options.MemoryMiB > 0 ? Options.MemoryMiB : UsualMemoryMiB)}",
            "-drive", $"if=pflash,format=raw,readonly=on,file={Firmware}",
            "-drive", $"if=pflash,format=raw,file={InRun("efi-variables.fd")}",
            "-display", "none", "-vga", "std",
            "-serial", $"unix:{sockets}/serial,server=on,wait=on",
            "-debugcon", $"file:{HvLogFile}",
            "-qmp", $"unix:{sockets}/qmp,server=on,wait=off",
            "-netdev", $"user,id=net,hostfwd=tcp:127.0.0.1:{NetworkPort}-:{GuestAnswerPort}",
            "-device", "e1000e,netdev=net,romfile=",
        ];
        arguments.AddRange(Options.Iommu switch
        {
            IommuKind.Vtd => ["-device", "intel-iommu"],
            IommuKind.AmdVi => ["-device", "amd-iommu"],
            _ => [],
        });
        if (Options.HasBusAccess)
            arguments.AddRange(["-qtest", $"unix:{sockets}/bus,server=on,wait=off", "-qtest-log", "/dev/null"]);
        if (Options.HvImage is { } hv)
            arguments.AddRange(["-device", "qemu-xhci", "-drive", $"if=none,id=hv,format=raw,file={hv}", "-device", "usb-storage,drive=hv,bootindex=0"]);
        if (Options.GuestDisk is { } disk)
        {
            arguments.AddRange(["-drive", $"if=none,id={GuestDrive},format=raw,discard=unmap,file={disk}"]);
            arguments.AddRange(["-device", Options.Disk == DiskBus.Nvme
                ? $"nvme,serial=HVGUEST,drive={GuestDrive},bootindex=1"
                : $"ide-hd,bus=ide.0,serial=HVGUEST,drive={GuestDrive},bootindex=1"]);
        }
        arguments.AddRange(Options.Extra);
        return new OwnedProcess("qemu-system-x86_64", arguments, InRun("emulator.out"), InRun("emulator.err"));
    }

    /// <summary>Stops the machine and opens QEMU's debugger port, which waits up to <paramref name="timeout"/> for each answer.</summary>
    public GdbStub OpenDebugger(TimeSpan timeout)
    {
        // A machine that runs would be stopped by the connection, which is reported as one more packet, at some time.
        Pause();
        Qmp.Execute("human-monitor-command", new JsonObject { ["command-line"] = $"gdbserver unix:{sockets}/gdb,server=on,wait=off" });
        return new GdbStub(Connect("gdb"), timeout);
    }

    /// <inheritdoc/>
    protected override Stream ConnectSerial() => new NetworkStream(Connect("serial"), ownsSocket: true);

    /// <inheritdoc/>
    protected override void Connected()
    {
        Qmp = new Qmp(Connect("qmp"));
        if (Options.HasBusAccess)
            Bus = new BusAccess(Connect("bus"));
    }

    private Socket Connect(string name)
    {
        UnixDomainSocketEndPoint address = new(Path.Combine(sockets, name));
        while (true)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(address);
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
                if (HasExited)
                    throw StartFailure("QEMU", InRun("emulator.err"));
                Thread.Sleep(20);
            }
        }
    }
}
