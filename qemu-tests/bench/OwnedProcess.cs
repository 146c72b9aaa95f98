using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hv.Bench;

/// <summary>A child process that does not outlive this program, however it ends (except by SIGKILL).</summary>
public sealed partial class OwnedProcess : IDisposable
{
    // Linux' numbers of SIGSTOP and SIGCONT, and how /proc shows that a process is stopped.
    private const int StopSignal = 19, ContinueSignal = 18;
    private const char StoppedState = 'T';
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(10);

    private static readonly HashSet<OwnedProcess> Running = [];
    private static readonly PosixSignalRegistration[] Signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }
        .Select(signal => PosixSignalRegistration.Create(signal, _ => EndAll()))];

    private readonly Process process;

    static OwnedProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) => EndAll();

    /// <summary>Starts the command with its standard output and error going to files.</summary>
    public OwnedProcess(string command, IEnumerable<string> arguments, string outputFile, string errorFile)
    {
        GC.KeepAlive(Signals);
        // The shell puts itself in the place of the command, so the process id stays the command's.
        string[] shell = ["-c", "out=$1; err=$2; shift 2; exec \"$@\" >\"$out\" 2>\"$err\" </dev/null", "sh", outputFile, errorFile, command];
        process = Tool.StartOrExplain(new ProcessStartInfo("/bin/sh", [.. shell, .. arguments]));
        lock (Running)
            Running.Add(this);
    }

    /// <summary>True once the process has ended.</summary>
    public bool HasExited => process.HasExited;

    /// <summary>The process's id.</summary>
    public int Id => process.Id;

    /// <summary>Processor time used so far.</summary>
    public TimeSpan ProcessorTime => process.HasExited ? TimeSpan.Zero : process.TotalProcessorTime;

    /// <summary>Waits until the process has ended.</summary>
    public bool WaitForExit(TimeSpan timeout) => process.WaitForExit(timeout);

    /// <summary>Stops the process until <see cref="Continue"/>; returns when it has stopped.</summary>
    /// <exception cref="BenchException">It does not stop, or has ended.</exception>
    public void Stop()
    {
        Signal(StopSignal);
        for (long began = Stopwatch.GetTimestamp(); State() != StoppedState; Thread.Sleep(1))
            if (Stopwatch.GetElapsedTime(began) > StopTime)
                throw new BenchException($"Process {Id} does not stop.");
    }

    /// <summary>Lets a stopped process go on.</summary>
    public void Continue() => Signal(ContinueSignal);

    /// <summary>Ends the process if it still runs.</summary>
    public void Dispose()
    {
        lock (Running)
            Running.Remove(this);
        End();
    }

    private void Signal(int signal)
    {
        if (Kill(Id, signal) != 0)
            throw new BenchException($"Process {Id} takes no signals any more.");
    }

    // The third field of the line, behind the command's name in parentheses.
    private char State()
    {
        string line = File.ReadAllText($"/proc/{Id}/stat");
        return line[line.LastIndexOf(')') + 2];
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private static void EndAll()
    {
        lock (Running)
            foreach (OwnedProcess owned in Running)
                owned.End();
    }

    private void End()
    {
        try
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit(TimeSpan.FromSeconds(10));
            }
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in between.
        }
    }
}
