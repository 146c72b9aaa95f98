using System;

namespace Hv.EmulatorTests;

/// <summary>What keeps tests that take very long from being run always.</summary>
internal static class LongTest
{
    /// <summary>The reason that several tests have.</summary>
    public const string BusyProcessors = "a shadow beside several busy processors is not reliable in QEMU yet (docs/ARCHITECTURE.md, Known limits)";

    /// <summary>The environment variable that lets them run.</summary>
    private const string Variable = "HV_LONG_TESTS";

    /// <summary>Why they do not run; null if they do.</summary>
    public static string? WhyNot(string reason) =>
        Environment.GetEnvironmentVariable(Variable) == "1" ? null : $"{reason}; {Variable}=1 runs it.";
}
