using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class PlainDmaFixture() : StrayDmaFixture(IommuKind.None);
