using System;
using System.Diagnostics.CodeAnalysis;

namespace Hv.Kernel;

/// <summary>The end of the line, for host tests: an exception that the test sees. The image has its own in the core library.</summary>
public static class Panic
{
    /// <summary>Throws.</summary>
    [DoesNotReturn]
    public static void Stop(string what) => throw new InvalidOperationException("Hv invariant broken: " + what);
}
