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
        Option<int> option = new("--processors") { Description = $"how many processors the machine has (1 to {Most})", DefaultValueFactory = _ => 1 };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > Most)
                result.AddError($"--processors takes a number from 1 to {Most}.");
        });
        return option;
    }
}
