using Hv.Drivers.Platform;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Hv.Shadow.Memory;

namespace Hv.Shadow.Machine;

/// <summary>The machine in the firmware, just before the OS's boot loader is started: where every shadow begins (DESIGN D5).</summary>
public sealed unsafe class BootSnapshot
{
    private readonly uint _extendedBytes;
    private readonly VirtualPlatform _platform;
    private readonly ProcessorSnapshot[] _processors = new ProcessorSnapshot[ProcessorGroup.Maximum];

    /// <summary>Makes an empty snapshot of a machine with <paramref name="processors"/> processors. While booting only.</summary>
    public BootSnapshot(PagePool pool, RegionPages region, VirtualPlatform platform, int processors)
    {
        Memory = new SnapshotMemory(pool);
        _platform = platform;
        _extendedBytes = ExtendedState.Pages * PageSize.Small;
        for (int i = 0; i < processors; i++)
        {
            _processors[i] = new ProcessorSnapshot();
            _processors[i].ExtendedState = region.TakeRun(ExtendedState.Pages);
            Msrs[i] = new BootMsrs();
        }
    }

    /// <summary>Each processor's settings that its state does not have.</summary>
    public readonly BootMsrs[] Msrs = new BootMsrs[ProcessorGroup.Maximum];

    /// <summary>The firmware's memory.</summary>
    public SnapshotMemory Memory { get; }

    /// <summary>The platform devices, and the bridges that a shadow sees.</summary>
    public VirtualPlatform Platform => _platform;

    /// <summary>
    /// Takes the platform and the first processor, as they are in the exit of <paramref name="vcpu"/>: the instruction that exited is
    /// <paramref name="instructionBytes"/> long and will be found to have returned <paramref name="result"/>.
    /// </summary>
    public void TakeProcessor(Vcpu vcpu, uint instructionBytes, ulong result, RealPlatform real)
    {
        _platform.AssumeFirmware();
        _platform.Capture(real);
        TakeOther(vcpu, real);
        ref VcpuState state = ref _processors[0].State;
        state.Rip += instructionBytes;
        state.Registers.General.Rax = result;
    }

    /// <summary>Takes another processor, on that processor, between two exits of <paramref name="vcpu"/>. Several may do so at the same time.</summary>
    public void TakeOther(Vcpu vcpu, RealPlatform real)
    {
        ProcessorSnapshot processor = _processors[vcpu.Index];
        vcpu.Save(ref processor.State);
        processor.WaitsForStartUp = vcpu.WaitsForStartUp;
        ExtendedState.Save(processor.ExtendedState, out processor.Xcr0);
        Msrs[vcpu.Index].Capture();
        _platform.CaptureLocal(vcpu.Index, real);
    }

    /// <summary>Lets the devices of <paramref name="vm"/> be as they were.</summary>
    public void RestorePlatform(GuestVm vm) => vm.Platform.CopyFrom(_platform);

    /// <summary>Lets a processor of <paramref name="vm"/> stand where the snapshot was taken. On that processor.</summary>
    public void Restore(GuestVm vm, int index)
    {
        ProcessorSnapshot processor = _processors[index];
        Vcpu vcpu = vm.Vcpus[index];
        new System.ReadOnlySpan<byte>(processor.ExtendedState, (int)_extendedBytes)
            .CopyTo(new System.Span<byte>(vcpu.ExtendedState, (int)_extendedBytes));
        vcpu.ResetProcessorState();
        vcpu.Xcr0 = processor.Xcr0;
        vcpu.Load(in processor.State);
        vcpu.WaitsForStartUp = processor.WaitsForStartUp;
        vcpu.HasNmi = false;
        vcpu.StartUps = 0;
    }
}
