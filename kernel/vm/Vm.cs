using Hv.Kernel.Io;
using Hv.Kernel.Memory;

namespace Hv.Kernel.Vm;

/// <summary>A virtual machine, as exits see it. One for the primary and one for the shadow; after a switch they trade places.</summary>
/// <remarks>
/// Used by the processor whose exit it is; between <see cref="TryEnter"/> and <see cref="Leave"/> that is the only one that uses anything shared. Without that it may only
/// use what is the virtual processor's own, and read memory of a VM that is no shadow.
/// </remarks>
public abstract class Vm
{
    /// <summary>Whether this VM is the shadow now, rather than the machine's system.</summary>
    public bool IsShadow;

    /// <summary>The VM's memory, for emulation.</summary>
    public abstract GuestMemory Memory { get; }

    /// <summary>What answers the ports that exit.</summary>
    public abstract PortDevice Ports { get; }

    /// <summary>Takes the machine's lock if this exit needs it, and brings the VM's clock up to now. False: it does not need it.</summary>
    public abstract bool TryEnter(Vcpu vcpu, ExitReason reason);

    /// <summary>The exit is handled: looks at what it has led to, and gives the lock back.</summary>
    public abstract void Leave(Vcpu vcpu);

    /// <summary>The device at a guest-physical address and the address's offset in it; null if there is none.</summary>
    public abstract MmioDevice? FindMmio(Vcpu vcpu, GuestPhysical address, out ulong offset);

    /// <summary>
    /// Mends the nested page table after a fault that no device answers (demand-zero, copy-on-write). True if the guest can go on;
    /// false if nothing is there: the access is then emulated as to an absent device.
    /// </summary>
    public abstract bool MendFault(GuestPhysical address, bool isWrite);

    /// <summary>Reads an MSR that exited. <see cref="Status.Unsupported"/> gives the guest #GP.</summary>
    public abstract Result<ulong> ReadMsr(Vcpu vcpu, uint index);

    /// <summary>Writes an MSR that exited. <see cref="Status.Unsupported"/> gives the guest #GP.</summary>
    public abstract Status WriteMsr(Vcpu vcpu, uint index, ulong value);

    /// <summary>CR8 of a virtual processor whose local APIC is virtual.</summary>
    public abstract byte ReadTaskPriority(Vcpu vcpu);

    /// <summary>Changes it.</summary>
    public abstract void WriteTaskPriority(Vcpu vcpu, byte value);

    /// <summary>Carries out a hypercall. False: there is none here, the guest gets #UD.</summary>
    public abstract bool Hypercall(Vcpu vcpu, ulong number, ulong first, ulong second, ulong third, out ulong result);

    /// <summary>A processor has stopped for good: triple fault.</summary>
    public abstract void TripleFault(Vcpu vcpu);

    /// <summary>A physical INIT has reached the processor while it ran the guest (Intel; on AMD it cannot be held off).</summary>
    public abstract void Initialized(Vcpu vcpu);

    /// <summary>The processor waits in HLT with interrupts off, at guest-virtual <paramref name="rip"/>: only an NMI or INIT ends that.</summary>
    public abstract void HaltedForGood(Vcpu vcpu, ulong rip);
}
