using System.Diagnostics;
using System.Text;

namespace Hv.Bench;

/// <summary>Runs ordinary commands of the host to their end.</summary>
public static class Tool
{
    /// <summary>Runs a command and returns its standard output. <paramref name="progress"/> gets each line of its standard error.</summary>
    /// <exception cref="BenchException">The command is missing or failed.</exception>
    public static string Run(string command, IEnumerable<string> arguments, Action<string>? progress = null, string? input = null)
    {
        (int code, string output, string errors) = TryRun(command, arguments, progress, input);
        if (code != 0)
        {
            string last = errors.TrimEnd().Split('\n')[^1];
            throw new BenchException(last.StartsWith("hv: ", StringComparison.Ordinal) ? last[4..] : $"{Path.GetFileName(command)} failed (status {code}): {last}");
        }
        return output;
    }

    /// <summary>Runs a command and returns its exit status, standard output and standard error.</summary>
    public static (int Code, string Output, string Errors) TryRun(
        string command, IEnumerable<string> arguments, Action<string>? progress = null, string? input = null)
    {
        ProcessStartInfo start = new(command, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin";
        using Process process = StartOrExplain(start);
        StringBuilder errors = new();
        process.ErrorDataReceived += (_, e) =>
        {
            if (e.Data is null)
                return;
            errors.AppendLine(e.Data);
            progress?.Invoke(e.Data);
        };
        process.BeginErrorReadLine();
        if (input is not null)
            process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.ToString());
    }

    /// <summary>Starts a process; a missing program is one clear sentence.</summary>
    public static Process StartOrExplain(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new BenchException($"The command '{start.FileName}' is missing; qemu-tests/setup/packages.sh installs what is needed.");
        }
    }
}
