using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>VT-x.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsDataTests() : DataTests(BenchKind.BochsVmx);
