using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;

namespace Hv.HostTests.MkImage;

/// <summary>Runs a tool of the machine, where it is installed.</summary>
internal static class Tool
{
    private static readonly string[] Folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    public static bool IsInstalled(string name) => Find(name) != null;

    /// <summary>Runs the tool and gives its exit code and everything it printed.</summary>
    public static (int Code, string Output) Run(string name, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(name)!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MTOOLS_SKIP_CHECK"] = "0";
        using Process process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string? Find(string name) => Array.Find(Array.ConvertAll(Folders, folder => Path.Combine(folder, name)), File.Exists);
}
