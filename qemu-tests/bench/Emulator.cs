using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hv.Bench;

/// <summary>A running emulated machine. Disposing ends it.</summary>
public abstract class Emulator : IDisposable
{
    private const int TraceLinesShown = 15;

    private OwnedProcess? process;

    /// <summary>Prepares a machine; <see cref="Start"/> turns it on.</summary>
    protected Emulator(MachineOptions options)
    {
        Options = options;
        NetworkPort = FreePort();
    }

    /// <summary>The port of the guest that answers a connection with "HV-NET kernel=VERSION boot=ID".</summary>
    public const int GuestAnswerPort = 7;

    /// <summary>What the machine consists of.</summary>
    public MachineOptions Options { get; }

    /// <summary>Runs from the moment the emulator is started; all times are of this clock.</summary>
    public Stopwatch Clock { get; } = new();

    /// <summary>The guest's first serial port.</summary>
    public SerialConsole Console { get; private set; } = null!;

    /// <summary>The host's port that is forwarded to the guest's <see cref="GuestAnswerPort"/>.</summary>
    public int NetworkPort { get; }

    /// <summary>The file that Hv's own trace goes to (what is written to port E9h).</summary>
    public abstract string HvLogFile { get; }

    /// <summary>True once the emulator has ended.</summary>
    public bool HasExited => process is null || process.HasExited;

    /// <summary>Prepares a machine of the given kind.</summary>
    public static Emulator Create(BenchKind kind, MachineOptions options) => kind switch
    {
        BenchKind.QemuSvm => new QemuSvm(options),
        BenchKind.Kvm => new QemuKvm(options),
        BenchKind.BochsVmx => new BochsVmx(options),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Turns the machine on. <paramref name="onLine"/> is called for each line of the console.</summary>
    public void Start(Action<SerialLine>? onLine = null)
    {
        Clock.Start();
        process = Launch();
        Stream serial = ConnectSerial();
        Console = new SerialConsole(serial, Clock, InRun("serial.log"), () => !HasExited);
        if (onLine is not null)
            Console.LineReceived += onLine;
        Console.Start();
        Connected();
    }

    /// <summary>Hv's trace so far.</summary>
    public string ReadHvLog()
    {
        if (!File.Exists(HvLogFile))
            return "";
        using FileStream file = new(HvLogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(file, Encoding.Latin1);
        return reader.ReadToEnd();
    }

    /// <summary>The failure with what Hv said last and where the run's logs are.</summary>
    public BenchException Explain(BenchException failure)
    {
        string log = Options.HvImage is null ? "" : ReadHvLog().TrimEnd();
        string trace = log.Length == 0 ? "" : $"\nThe last lines of Hv's trace:\n{string.Join('\n', log.Split('\n').TakeLast(TraceLinesShown))}";
        return new BenchException($"{failure.Message}{trace}\nAll logs are in {Options.RunFolder}.");
    }

    /// <summary>Waits until the emulator ends by itself.</summary>
    public bool WaitForExit(TimeSpan timeout) => process is null || process.WaitForExit(timeout);

    /// <summary>Asks the guest over the network who it is; null if it does not answer in time.</summary>
    public NetworkAnswer? AskOverNetwork(TimeSpan timeout)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)timeout.TotalMilliseconds };
        try
        {
            socket.Connect(IPAddress.Loopback, NetworkPort);
            using StreamReader reader = new(new NetworkStream(socket));
            return reader.ReadLine() is { } line ? NetworkAnswer.Parse(line, Clock.Elapsed) : null;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Types letters, digits and line ends on the machine's PS/2 keyboard.</summary>
    public abstract void Type(string text);

    /// <summary>Stops the machine; what it has written to its disks is in their files.</summary>
    public abstract void Pause();

    /// <summary>Lets a stopped machine go on.</summary>
    public abstract void Resume();

    /// <summary>Makes the guest's disk slow, where the machine can do that, so that more can be seen of what is written.</summary>
    public virtual void SlowDiskDown() { }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        process?.Dispose();
        Console?.Dispose();
    }

    /// <summary>The emulator's process, once it runs.</summary>
    protected OwnedProcess Process => process!;

    /// <summary>Starts the emulator's process.</summary>
    protected abstract OwnedProcess Launch();

    /// <summary>Waits for the guest's serial port to be connected.</summary>
    protected abstract Stream ConnectSerial();

    /// <summary>Called when the machine runs.</summary>
    protected virtual void Connected() { }

    /// <summary>A path in the run's folder.</summary>
    protected string InRun(string name) => Path.Combine(Options.RunFolder, name);

    /// <summary>An exception that says why the emulator did not start.</summary>
    protected BenchException StartFailure(string emulator, string errorFile)
    {
        process?.WaitForExit(TimeSpan.FromMilliseconds(200));
        string errors = File.Exists(errorFile) ? File.ReadAllText(errorFile).Trim() : "";
        return new BenchException($"{emulator} did not start: {(errors.Length > 0 ? errors.Split('\n')[^1] : "it gave no reason")}");
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
