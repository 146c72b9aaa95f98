using Xunit;

namespace Hv.EmulatorTests;

/// <summary>AMD-V.</summary>
public sealed class QemuSystemTests(QemuFixture machine) : SystemTests(machine), IClassFixture<QemuFixture>;
