using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>AMD-V.</summary>
[Collection(Collections.Qemu)]
public sealed class QemuDataTests() : DataTests(BenchKind.QemuSvm);
