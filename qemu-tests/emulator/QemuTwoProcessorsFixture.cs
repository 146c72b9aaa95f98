using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class QemuTwoProcessorsFixture() : MachineFixture(BenchKind.QemuSvm, processors: 2);
