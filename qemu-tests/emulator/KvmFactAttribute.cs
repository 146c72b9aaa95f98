using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>A test that is skipped where KVM cannot run Hv.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KvmFactAttribute : FactAttribute
{
    public KvmFactAttribute() => Skip = QemuKvm.WhyNot();
}
