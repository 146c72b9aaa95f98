using System.CommandLine;

namespace Hv.Bench;

/// <summary>The option "--processors", which several commands have.</summary>
internal static class ProcessorOption
{
    // With more, no emulator is fast enough to be of use.
    private const int Most = 8;

    /// <summary>The option, with one processor unless it is given.</summary>
    public static Option<int> Create()
    {
        Option<int> option = new("--processors") { Description = "how many processors the machine has", DefaultValueFactory = _ => 1 };
        option.AcceptOnlyFromAmong([.. Enumerable.Range(1, Most).Select(count => $"{count}")]);
        return option;
    }
}
