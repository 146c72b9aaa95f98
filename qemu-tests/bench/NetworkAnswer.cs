namespace Hv.Bench;

/// <summary>What a guest answers over the network.</summary>
/// <param name="Kernel">The version of its kernel.</param>
/// <param name="Boot">An identifier that is new in each boot.</param>
/// <param name="Time">When the answer came.</param>
public sealed record NetworkAnswer(string Kernel, string Boot, TimeSpan Time)
{
    /// <summary>Reads an answer ("HV-NET kernel=VERSION boot=ID"); null if it is none.</summary>
    public static NetworkAnswer? Parse(string line, TimeSpan time) =>
        line.Split(' ') is ["HV-NET", ['k', 'e', 'r', 'n', 'e', 'l', '=', .. var kernel], ['b', 'o', 'o', 't', '=', .. var boot]]
            ? new NetworkAnswer(kernel, boot, time)
            : null;
}
