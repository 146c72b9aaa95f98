using Hv.Kernel.Processor;

namespace Hv.Kernel.Memory;

/// <summary>Hv's own address space: all physical memory one to one, writable or executable but never both, guard pages left out.</summary>
public static class AddressSpace
{
    /// <summary>Whether this processor has 1 GiB pages (CPUID 80000001h, EDX bit 26).</summary>
    public static bool HasHugePages => (CpuidResult.Of(0x8000_0001).Edx & 1 << 26) != 0;

    /// <summary>MAXPHYADDR (CPUID 80000008h).</summary>
    public static byte PhysicalBits => (byte)CpuidResult.Of(0x8000_0008).Eax;

    /// <summary>
    /// Maps <paramref name="bytes"/> bytes from 0 on: memory for reading and writing. The processor's MTRRs, which the firmware has
    /// set up, make device registers uncacheable.
    /// </summary>
    public static Status MapAll(PageTable table, ulong bytes) =>
        table.Map(0, new HostPhysical(0), bytes, PageAccess.Write, MemoryType.WriteBack);

    /// <summary>
    /// Makes device registers reachable that lie above what <see cref="MapAll"/> has mapped: the 2 MiB around each byte. What is
    /// mapped already stays as it is.
    /// </summary>
    public static Status MapDevice(PageTable table, ulong address, ulong bytes)
    {
        const ulong mask = PageSize.Large - 1;
        ulong end = (address + bytes + mask) & ~mask;
        for (ulong at = address & ~mask; at < end; at += PageSize.Large)
        {
            if (table.Lookup(at, out _) != 0)
                continue;
            Status status = table.Map(at, new HostPhysical(at), PageSize.Large, PageAccess.Write, MemoryType.Uncacheable);
            if (status != Status.Ok)
                return status;
        }
        return Status.Ok;
    }

    /// <summary>Switches this processor to <paramref name="table"/>, with NX and write protection on.</summary>
    public static void Enter(PageTable table)
    {
        const ulong cr0WriteProtect = 1 << 16;
        _ = Msr.Write(Msr.Efer, Msr.Read(Msr.Efer) | Msr.EferNxe);
        Stubs.WriteCr3(table.Root.Value);
        Stubs.WriteCr0(Stubs.ReadCr0() | cr0WriteProtect);
    }
}
