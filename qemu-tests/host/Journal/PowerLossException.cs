using System;

namespace Hv.HostTests.Journal;

/// <summary>The power has failed: nothing that follows happens.</summary>
public sealed class PowerLossException : Exception;
