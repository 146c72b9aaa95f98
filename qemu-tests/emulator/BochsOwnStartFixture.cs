using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class BochsOwnStartFixture() : MachineFixture(BenchKind.BochsVmx, processors: 2, ownStart: true);
