using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>
/// Bochs 3.1 as a Skylake-X (one processor unless asked for more) with VT-x and EPT on an i440FX board with UEFI: Hv's disk on the first ATA channel, the guest's on
/// the second, an Intel network card. The serial port is a TCP connection that Bochs makes to this program.
/// </summary>
public sealed class BochsVmx(MachineOptions options) : Emulator(options)
{
    private const int UsualMemoryMiB = 1024;
    private const string Firmware = "/usr/share/ovmf/OVMF.fd";
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private RfbKeyboard? keyboard;

    /// <inheritdoc/>
    public override string HvLogFile => InRun("hv.log");

    /// <inheritdoc/>
    /// <remarks>Bochs writes to its disks' files at once.</remarks>
    public override void Pause() => Process.Stop();

    /// <inheritdoc/>
    public override void Resume() => Process.Continue();

    /// <inheritdoc/>
    public override void Type(string text)
    {
        if (keyboard is null)
        {
            Match port = Regex.Match(File.ReadAllText(InRun("bochs.log")), @"\[RFB +\] listening for connections on port (\d+)");
            keyboard = port.Success ? new RfbKeyboard(int.Parse(port.Groups[1].ValueSpan)) : throw new BenchException("Bochs does not say where its screen can be reached.");
        }
        keyboard.Type(text);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        keyboard?.Dispose();
        listener.Dispose();
    }

    /// <inheritdoc/>
    protected override OwnedProcess Launch()
    {
        string bochs = Tool.Run(Path.Combine(Paths.Tests, "setup", "bochs.sh"), []).Trim();
        listener.Start();
        File.WriteAllText(InRun("bochsrc"), Configuration());
        // The comment is what Bochs knows the file by.
        File.WriteAllText(InRun("slirp.conf"), $"# slirp config\nhostfwd = tcp:127.0.0.1:{NetworkPort}-:{GuestAnswerPort}\n");
        // What the guest writes to port E9h comes out of Bochs' standard output.
        return new OwnedProcess(bochs, ["-q", "-unlock", "-f", InRun("bochsrc")], HvLogFile, InRun("emulator.err"));
    }

    /// <inheritdoc/>
    protected override Stream ConnectSerial()
    {
        Task<TcpClient> client = listener.AcceptTcpClientAsync();
        for (TimeSpan end = Clock.Elapsed + StartTime; !client.Wait(TimeSpan.FromMilliseconds(100));)
            if (HasExited || Clock.Elapsed > end)
                throw StartFailure("Bochs", InRun("emulator.err"));
        client.Result.NoDelay = true;
        return client.Result.GetStream();
    }

    /// <summary>The line of Bochs' configuration that describes its processors. With several of them, one boot in five hangs if they have MWAIT.</summary>
    public static string ProcessorLine(int processors) =>
        $"cpu: model=corei7_skylake_x, count={processors}, ips=100000000, reset_on_triple_fault=1, cpuid_freq=none{(processors > 1 ? ", exclude_features=\"mwait\"" : "")}";

    private string Configuration()
    {
        int memory = Options.MemoryMiB > 0 ? Options.MemoryMiB : UsualMemoryMiB;
        string first = Options.HvImage ?? Options.GuestDisk ?? throw new BenchException("The Bochs bench needs a disk to start from.");
        string second = Options.HvImage is not null && Options.GuestDisk is { } disk
            ? $"ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15\nata1-master: type=disk, path=\"{disk}\", mode=flat, model=\"HVGUEST\"\n"
            : "";
        return $"""
            plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1, iodebug=1, e1000=1, fw_cfg=1
            config_interface: textconfig
            display_library: rfb, options="timeout=0"
            memory: guest={memory}, host={memory}
            romimage: file={Firmware}
            fw_cfg: enabled=1
            vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
            boot: disk
            {ProcessorLine(Options.Processors)}
            pci: enabled=1, chipset=i440fx
            vga: extension=vbe, update_freq=5, realtime=0
            ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
            ata0-master: type=disk, path="{first}", mode=flat
            {second}e1000: enabled=1, mac=52:54:00:12:34:56, ethmod=slirp, script={InRun("slirp.conf")}
            com1: enabled=1, mode=socket-client, dev=127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}
            port_e9_hack: enabled=1
            clock: sync=none, time0=1700000000
            log: {InRun("bochs.log")}
            panic: action=report
            error: action=ignore
            info: action=report
            debug: action=ignore
            {string.Join('\n', Options.Extra)}

            """;
    }
}
