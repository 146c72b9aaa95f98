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

    /// <summary>State that lives in the processor while the VM is on it, and here while it is not.</summary>
    public ulong Xcr0, TscAux;

    /// <summary>The guest waits in HLT or MWAIT; RIP still points there, and <see cref="HaltLength"/> bytes on is where it goes on.</summary>
    public bool IsHalted;

    /// <summary>Bytes of the waiting instruction.</summary>
    public byte HaltLength;

    /// <summary>Reads the whole state.</summary>
    public abstract void Save(ref VcpuState state);

    /// <summary>Replaces the whole state.</summary>
    public abstract void Load(in VcpuState state);

    /// <summary>Uses another nested page table, or the same one after changes to it.</summary>
    public abstract void SetNestedRoot(HostPhysical root);

    /// <summary>Forgets cached translations of the nested page table.</summary>
    public abstract void FlushNested();

    /// <summary>Gives the guest an interrupt if it can take one; false if not.</summary>
    public abstract bool TryInject(byte vector);

    /// <summary>Takes the guest out of HLT or MWAIT: it goes on behind the instruction.</summary>
    public abstract void WakeUp();

    /// <summary>What the guest's next instruction pointer is (for reports).</summary>
    public abstract ulong InstructionPointer { get; }
}
