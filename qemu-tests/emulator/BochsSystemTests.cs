using Xunit;

namespace Hv.EmulatorTests;

/// <summary>VT-x.</summary>
public sealed class BochsSystemTests(BochsFixture machine) : SystemTests(machine), IClassFixture<BochsFixture>;
