using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>No processor is told any more that translations of the nested page table have changed.</summary>
public sealed class BochsUnflushedFixture() : MachineFixture(BenchKind.BochsVmx, processors: 2, leftOut: "Hv_Hv_Kernel_Vm_Vcpu__FlushNestedFromElsewhere");
