using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class QemuOwnStartFixture() : MachineFixture(BenchKind.QemuSvm, processors: 2, ownStart: true);
