using Hv.Kernel.Io;
using Hv.Kernel.Memory;

namespace Hv.Kernel.Vm;

/// <summary>A virtual machine, as exits see it. One for the primary and one for the shadow; after a switch they trade places.</summary>
/// <remarks>Used by the processor that runs the VM.</remarks>
public abstract class Vm
{
    /// <summary>Exits by <see cref="ExitReason"/>.</summary>
    public readonly ulong[] Exits = new ulong[(int)ExitReason.Count];

    /// <summary>Whether this VM is the shadow now, rather than the machine's system.</summary>
    public bool IsShadow;

    /// <summary>The VM's memory, for emulation.</summary>
    public abstract GuestMemory Memory { get; }

    /// <summary>What answers the ports that exit.</summary>
    public abstract PortDevice Ports { get; }

    /// <summary>The device at a guest-physical address and the address's offset in it; null if there is none.</summary>
    public abstract MmioDevice? FindMmio(GuestPhysical address, out ulong offset);

    /// <summary>
    /// Mends the nested page table after a fault that no device answers (demand-zero, copy-on-write). True if the guest can go on;
    /// false if nothing is there: the access is then emulated as to an absent device.
    /// </summary>
    public abstract bool MendFault(GuestPhysical address, bool isWrite);

    /// <summary>Reads an MSR that exited. <see cref="Status.Unsupported"/> gives the guest #GP.</summary>
    public abstract Result<ulong> ReadMsr(uint index);

    /// <summary>Writes an MSR that exited. <see cref="Status.Unsupported"/> gives the guest #GP.</summary>
    public abstract Status WriteMsr(uint index, ulong value);

    /// <summary>CR8 of a VM whose local APIC is virtual.</summary>
    public abstract byte TaskPriority { get; set; }

    /// <summary>Carries out a hypercall. False: there is none here, the guest gets #UD.</summary>
    public abstract bool Hypercall(ulong number, ulong first, ulong second, ulong third, out ulong result);

    /// <summary>The guest has stopped for good: triple fault.</summary>
    public abstract void TripleFault();

    /// <summary>The processor waits in HLT with interrupts off, at guest-virtual <paramref name="rip"/>: it has nothing to wait for.</summary>
    public abstract void HaltedForGood(ulong rip);

    /// <summary>Before an exit is handled: the VM's clock is brought up to now.</summary>
    public abstract void BeforeHandling();

    /// <summary>After each exit that was handled, before the next entry.</summary>
    public abstract void AfterExit();
}
