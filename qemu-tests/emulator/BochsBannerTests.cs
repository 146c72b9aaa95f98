using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

[Collection(Collections.Bochs)]
public sealed class BochsBannerTests() : BannerTests(BenchKind.BochsVmx);
