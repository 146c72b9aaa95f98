using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class QemuFourProcessorsFixture() : MachineFixture(BenchKind.QemuSvm, processors: 4);
