using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>A machine whose pool is soon empty.</summary>
public sealed class SmallMemoryFixture() : MachineFixture(BenchKind.QemuSvm, memoryMiB: 768);
