using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class QemuFixture() : MachineFixture(BenchKind.QemuSvm);
