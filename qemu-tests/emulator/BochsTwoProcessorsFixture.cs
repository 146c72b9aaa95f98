using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class BochsTwoProcessorsFixture() : MachineFixture(BenchKind.BochsVmx, processors: 2);
