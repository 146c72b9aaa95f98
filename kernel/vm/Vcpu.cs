using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>A virtual processor, for code that does not care which back-end runs it. Rare operations only: they are virtual calls.</summary>
public abstract unsafe class Vcpu
{
    /// <summary>The VM it belongs to.</summary>
    public Vm Machine = null!;

    /// <summary>What the stubs load and store.</summary>
    public VcpuRegisters* Registers;

    /// <summary>x87, SSE, AVX and further state while another VM is on the processor; 64-byte aligned.</summary>
    public byte* ExtendedState;

    private readonly ulong[] _debugAddresses = new ulong[4];
    private ulong _xcr0 = 1;
    private ulong _tscAux;
    private readonly bool _hasTscAux = (CpuidResult.Of(0x8000_0001).Edx & 1 << 27) != 0;

    /// <summary>XCR0 while the VM is not on the processor.</summary>
    public ulong Xcr0 { get => _xcr0; set => _xcr0 = value; }

    /// <summary>Takes what no control block carries off this processor.</summary>
    public void SaveProcessorState()
    {
        Kernel.Vm.ExtendedState.Save(ExtendedState, out _xcr0);
        fixed (ulong* addresses = _debugAddresses)
            Stubs.ReadDebugAddresses(addresses);
        if (_hasTscAux)
            _tscAux = Msr.Read(Msr.TscAux);
    }

    /// <summary>Puts it back on this processor.</summary>
    public void RestoreProcessorState()
    {
        Kernel.Vm.ExtendedState.Restore(ExtendedState, _xcr0);
        fixed (ulong* addresses = _debugAddresses)
            Stubs.WriteDebugAddresses(addresses);
        if (_hasTscAux)
            _ = Msr.Write(Msr.TscAux, _tscAux);
    }

    /// <summary>Starts as another VM's snapshot: extended state and XCR0 are copied by the caller, the rest is as after reset.</summary>
    public void ResetProcessorState()
    {
        for (int i = 0; i < _debugAddresses.Length; i++)
            _debugAddresses[i] = 0;
        _tscAux = 0;
    }

    /// <summary>The guest waits in HLT or MWAIT; RIP still points there, and <see cref="HaltLength"/> bytes on is where it goes on.</summary>
    public bool IsHalted;

    /// <summary>While <see cref="IsHalted"/>: an external interrupt ends the wait.</summary>
    public bool EndsOnInterrupt;

    /// <summary>Bytes of the waiting instruction.</summary>
    public byte HaltLength;

    /// <summary>Reads the whole state.</summary>
    public abstract void Save(ref VcpuState state);

    /// <summary>Replaces the whole state.</summary>
    public abstract void Load(in VcpuState state);

    /// <summary>Lets exit what exits of a primary or of a shadow.</summary>
    public abstract void SetRole(bool shadow);

    /// <summary>
    /// Ends a time limit that was set for the guest: the processor's timer, if that was borrowed for it, is the primary's again, with what
    /// was left of its count.
    /// </summary>
    public abstract void EndTimeLimit();

    /// <summary>Uses another nested page table, or the same one after changes to it.</summary>
    public abstract void SetNestedRoot(HostPhysical root);

    /// <summary>Forgets cached translations of the nested page table.</summary>
    public abstract void FlushNested();

    /// <summary>Whether an event is to be delivered at the next entry.</summary>
    public abstract bool HasEvent { get; }

    /// <summary>Takes the guest out of HLT or MWAIT: it goes on behind the instruction.</summary>
    public abstract void WakeUp();
}
