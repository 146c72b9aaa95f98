using System;
using Hv.Kernel.Memory;

namespace Hv.Kernel.Processor;

/// <summary>
/// The page of low memory at which a processor comes to Hv in real mode: started by Hv (<see cref="StartUpSequence"/>), or by the firmware after suspend to RAM
/// (ACPI 6.5, 16.3.1.2). It has code that leads into Hv's address space, and what that needs.
/// </summary>
/// <remarks>Filled while booting. No guest can reach it; Hv's own address space has it for execution only.</remarks>
public static unsafe class WakePage
{
    /// <summary>It must lie below this address.</summary>
    public const ulong Limit = 0xA_0000;

    // Offsets that tools/stubs/WakeStubs knows, too: tables, then two far pointers (32-bit offset, selector), then addresses.
    private const int GdtOffset = 0x800, GdtPointerOffset = 0x840, ProtectedOffset = 0x848, LongOffset = 0x850, PageTableOffset = 0x858, StackSlotOffset = 0x860,
        EntryOffset = 0x868;
    private const uint ProtectedPiece = 0x100, LongPiece = 0x200;
    private const ushort ProtectedCodeSelector = 0x08, LongCodeSelector = 0x18;
    // Present, ring 0, accessed: 32-bit code, data, 64-bit code; flat.
    private const ulong ProtectedCode = 0x00CF_9B00_0000_FFFF, Data = 0x00CF_9300_0000_FFFF, LongCode = 0x00AF_9B00_0000_FFFF;
    private const int GdtEntries = 4;

    /// <summary>
    /// Fills <paramref name="page"/>, whose address is physical and below <see cref="Limit"/>. It will enter <paramref name="addressSpace"/> (the one in use; its root is below 4 GiB),
    /// take the stack pointer from <paramref name="stackSlot"/>, whose address is in RCX then, and go on at <paramref name="entry"/>.
    /// </summary>
    public static void Install(byte* page, PageTable addressSpace, ulong* stackSlot, ulong entry)
    {
        Map(page, addressSpace, PageAccess.Write);
        Fill(page, addressSpace.Root, stackSlot, entry);
        Map(page, addressSpace, PageAccess.Execute);
    }

    /// <summary>The vector of a start-up message that lets a processor begin in <paramref name="page"/>.</summary>
    public static byte VectorOf(byte* page) => (byte)((ulong)page >> PageSize.SmallShift);

    // No other translation of it may stay.
    private static void Map(byte* page, PageTable addressSpace, PageAccess access)
    {
        Status status = addressSpace.Map((ulong)page, new HostPhysical((ulong)page), PageSize.Small, access, MemoryType.WriteBack);
        Invariant.Holds(status == Status.Ok, "wake page");
        AddressSpace.Enter(addressSpace);
    }

    private static void Fill(byte* page, HostPhysical root, ulong* stackSlot, ulong entry)
    {
        uint address = (uint)(ulong)page;
        Invariant.Holds((ulong)page < Limit && root.Value <= uint.MaxValue && Stubs.WakeCodeBytes() <= GdtOffset, "wake page");
        new ReadOnlySpan<byte>((void*)Stubs.WakeCodeAddress(), (int)Stubs.WakeCodeBytes()).CopyTo(new Span<byte>(page, (int)PageSize.Small));
        ulong* gdt = (ulong*)(page + GdtOffset);
        gdt[0] = 0;
        gdt[1] = ProtectedCode;
        gdt[2] = Data;
        gdt[3] = LongCode;
        *(ushort*)(page + GdtPointerOffset) = GdtEntries * sizeof(ulong) - 1;
        *(uint*)(page + GdtPointerOffset + 2) = address + GdtOffset;
        *(uint*)(page + ProtectedOffset) = address + ProtectedPiece;
        *(ushort*)(page + ProtectedOffset + 4) = ProtectedCodeSelector;
        *(uint*)(page + LongOffset) = address + LongPiece;
        *(ushort*)(page + LongOffset + 4) = LongCodeSelector;
        *(ulong*)(page + PageTableOffset) = root.Value;
        *(ulong*)(page + StackSlotOffset) = (ulong)stackSlot;
        *(ulong*)(page + EntryOffset) = entry;
    }
}
