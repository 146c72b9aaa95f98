using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class VtdDmaFixture() : StrayDmaFixture(IommuKind.Vtd);
