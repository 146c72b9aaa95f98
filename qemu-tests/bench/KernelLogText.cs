using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>A kernel's log: how it is read, and what of it is the same in every boot.</summary>
public static partial class KernelLogText
{
    private const string FirstLine = "Linux version ", NetworkIsUp = "until grep -q lease /run/network && grep -q link /run/network; do usleep 100000; done";

    /// <summary>The log of a running guest, without empty lines.</summary>
    /// <exception cref="BenchException">Its beginning is missing.</exception>
    public static string[] Read(FreshBoot boot, CancellationToken cancel)
    {
        string[] lines = [.. boot.Guest.Run("dmesg", boot.CommandTime, cancel).Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
        return lines.Length > 0 && lines[0].Contains(FirstLine, StringComparison.Ordinal) ? lines
            : throw new BenchException($"The guest's kernel log does not begin with '{FirstLine.TrimEnd()}': its buffer is too small. Give the kernel log_buf_len=1M.");
    }

    /// <summary>The log of a running guest, once it has found its network: what the kernel says late is there, too.</summary>
    public static string[] ReadSettled(FreshBoot boot, CancellationToken cancel)
    {
        boot.Guest.Run(NetworkIsUp, boot.CommandTime, cancel);
        return Read(boot, cancel);
    }

    /// <summary>A line without its time stamp and with everything that differs from boot to boot replaced (<see cref="KernelLogRules"/>); null if such a line is there in one boot and not in the next.</summary>
    public static string? Normalize(string line)
    {
        line = TimeStamp().Replace(line, "").TrimEnd();
        foreach (KernelLogRule rule in KernelLogRules.All)
        {
            if (!rule.Regex.IsMatch(line))
                continue;
            if (rule.Replacement is null)
                return null;
            line = rule.Regex.Replace(line, rule.Replacement);
        }
        return line;
    }

    [GeneratedRegex(@"^\[ *\d+\.\d+\] ")]
    private static partial Regex TimeStamp();
}
