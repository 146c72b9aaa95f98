using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

[Collection(Collections.Qemu)]
public sealed class VtdStrayDmaTests(VtdDmaFixture machine, ITestOutputHelper output) : RemappedDmaTests(machine, "vtd", output), IClassFixture<VtdDmaFixture>;
