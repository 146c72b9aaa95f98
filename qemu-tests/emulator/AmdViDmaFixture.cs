using Hv.Bench;

namespace Hv.EmulatorTests;

public sealed class AmdViDmaFixture() : StrayDmaFixture(IommuKind.AmdVi, isBrief: true);
