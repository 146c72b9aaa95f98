using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class BochsFourProcessorsFixture() : MachineFixture(BenchKind.BochsVmx, processors: 4);
