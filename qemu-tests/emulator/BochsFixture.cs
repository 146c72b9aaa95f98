using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class BochsFixture() : MachineFixture(BenchKind.BochsVmx);
