using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

[Collection(Collections.Qemu)]
public sealed class QemuBannerTests() : BannerTests(BenchKind.QemuSvm);
