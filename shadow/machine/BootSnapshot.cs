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
    private readonly byte* _extendedState;
    private readonly uint _extendedBytes;
    private readonly VirtualPlatform _platform;
    private VcpuState _processor;
    private ulong _xcr0;

    /// <summary>Makes an empty snapshot. While booting only.</summary>
    public BootSnapshot(PagePool pool, RegionPages region, VirtualPlatform platform)
    {
        Memory = new SnapshotMemory(pool);
        _platform = platform;
        _extendedBytes = ExtendedState.Pages * PageSize.Small;
        _extendedState = region.TakeRun(ExtendedState.Pages);
    }

    /// <summary>The processor's settings that its state does not have.</summary>
    public readonly BootMsrs Msrs = new();

    /// <summary>The firmware's memory.</summary>
    public SnapshotMemory Memory { get; }

    /// <summary>The platform devices, and the bridges that a shadow sees.</summary>
    public VirtualPlatform Platform => _platform;

    /// <summary>
    /// Takes processor and platform as they are in the exit of <paramref name="vcpu"/>: the instruction that exited is
    /// <paramref name="instructionBytes"/> long and will be found to have returned <paramref name="result"/>.
    /// </summary>
    public void TakeProcessor(Vcpu vcpu, uint instructionBytes, ulong result, RealPlatform real)
    {
        vcpu.Save(ref _processor);
        _processor.Rip += instructionBytes;
        _processor.Registers.General.Rax = result;
        ExtendedState.Save(_extendedState, out _xcr0);
        Msrs.Capture();
        _platform.AssumeFirmware();
        _platform.Capture(real);
        _platform.CaptureLocal(0, real);
    }

    /// <summary>Lets <paramref name="vm"/> stand where the snapshot was taken.</summary>
    public void Restore(GuestVm vm)
    {
        new System.ReadOnlySpan<byte>(_extendedState, (int)_extendedBytes)
            .CopyTo(new System.Span<byte>(vm.Vcpu.ExtendedState, (int)_extendedBytes));
        vm.Vcpu.ResetProcessorState();
        vm.Vcpu.Xcr0 = _xcr0;
        vm.Vcpu.Load(in _processor);
        vm.Platform.CopyFrom(_platform);
    }
}
