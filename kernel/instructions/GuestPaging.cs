using System.Threading;
using Hv.Kernel.Memory;

namespace Hv.Kernel.Instructions;

/// <summary>Walks a guest's own page tables in every paging mode (Intel SDM vol. 3A, chapter 4). Protection keys are not looked at.</summary>
/// <remarks>Accessed and dirty flags are set as the processor sets them. Runs on the processor that took the exit.</remarks>
public static unsafe class GuestPaging
{
    /// <summary>Error code bit: the page was present, the access was not allowed.</summary>
    public const uint ErrorProtection = 1u << 0;
    /// <summary>Error code bit: a reserved bit was set in an entry.</summary>
    public const uint ErrorReserved = 1u << 3;

    private const ulong Present = 1ul << 0;
    private const ulong Writable = 1ul << 1;
    private const ulong User = 1ul << 2;
    private const ulong Accessed = 1ul << 5;
    private const ulong Dirty = 1ul << 6;
    private const ulong Large = 1ul << 7;
    private const ulong NoExecute = 1ul << 63;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;

    /// <summary>
    /// Translates <paramref name="address"/> for <paramref name="access"/>. On failure gives false and the error code of the page
    /// fault that the guest must get; an entry that lies outside of the guest's memory counts as not present.
    /// </summary>
    public static bool Translate(in PagingState state, GuestMemory memory, GuestVirtual address, GuestAccess access,
        out GuestPhysical physical, out uint errorCode)
    {
        bool longMode = (state.Efer & PagingState.EferLongModeActive) != 0;
        ulong linear = longMode ? address.Value : (uint)address.Value;
        errorCode = 0;
        if ((state.Cr0 & PagingState.Cr0Paging) == 0)
        {
            physical = new GuestPhysical(linear);
            return true;
        }

        errorCode = (uint)(access & (GuestAccess.Write | GuestAccess.User));
        bool executeDisable = (state.Efer & PagingState.EferNoExecute) != 0 && (state.Cr4 & PagingState.Cr4PhysicalAddressExtension) != 0;
        if ((access & GuestAccess.Fetch) != 0 && (executeDisable || (state.Cr4 & PagingState.Cr4Smep) != 0))
            errorCode |= (uint)GuestAccess.Fetch;

        return (state.Cr4 & PagingState.Cr4PhysicalAddressExtension) != 0
            ? WalkWide(in state, memory, linear, access, out physical, ref errorCode)
            : WalkNarrow(in state, memory, linear, access, out physical, ref errorCode);
    }

    // 32-bit paging: two levels of 4-byte entries.
    private static bool WalkNarrow(in PagingState state, GuestMemory memory, ulong linear, GuestAccess access, out GuestPhysical physical, ref uint errorCode)
    {
        const int LargeShift = 22;
        ulong table = state.Cr3 & 0xffff_f000;
        ulong rights = Writable | User;
        physical = default;
        for (int shift = LargeShift; ; shift = PageSize.SmallShift)
        {
            var at = new GuestPhysical(table + ((linear >> shift) & 0x3ff) * 4);
            byte* page = memory.Page(at, write: false);
            if (page == null)
                return false;
            ulong entry = Volatile.Read(ref *(uint*)(page + at.PageOffset));
            if ((entry & Present) == 0)
                return false;
            rights &= entry;

            bool leaf = shift == PageSize.SmallShift;
            ulong frame = entry & 0xffff_f000;
            if (!leaf && (entry & Large) != 0 && (state.Cr4 & PagingState.Cr4PageSizeExtensions) != 0)
            {
                // PSE-36: bits 20:13 are address bits 39:32; what lies beyond MAXPHYADDR, and bit 21, is reserved.
                leaf = true;
                frame = (entry & 0xffc0_0000) | ((entry >> 13) & 0xff) << 32;
                if ((entry & (1ul << 21)) != 0 || frame >> Bits(in state) != 0)
                    return Fail(ref errorCode, ErrorReserved | ErrorProtection);
            }
            if (leaf && !Allowed(in state, rights, access, executable: true))
                return Fail(ref errorCode, ErrorProtection);
            if (!Mark(memory, at, entry, leaf && (access & GuestAccess.Write) != 0, narrow: true))
                return false;
            if (leaf)
            {
                ulong offset = linear & ((1ul << shift) - 1);
                physical = new GuestPhysical(frame | offset);
                return true;
            }
            table = frame;
        }
    }

    // PAE, 4-level and 5-level paging: 8-byte entries.
    private static bool WalkWide(in PagingState state, GuestMemory memory, ulong linear, GuestAccess access, out GuestPhysical physical, ref uint errorCode)
    {
        bool longMode = (state.Efer & PagingState.EferLongModeActive) != 0;
        int levels = !longMode ? 3 : (state.Cr4 & PagingState.Cr4FiveLevels) != 0 ? 5 : 4;
        ulong table = longMode ? state.Cr3 & AddressMask : state.Cr3 & 0xffff_ffe0;
        ulong beyond = AddressMask & ~((1ul << Bits(in state)) - 1);
        bool noExecute = (state.Efer & PagingState.EferNoExecute) != 0;
        ulong rights = Writable | User;
        bool executable = true;
        physical = default;
        for (int level = levels; ; level--)
        {
            int shift = PageSize.SmallShift + 9 * (level - 1);
            var at = new GuestPhysical(table + ((linear >> shift) & 0x1ff) * 8);
            byte* page = memory.Page(at, write: false);
            if (page == null)
                return false;
            ulong entry = Volatile.Read(ref *(ulong*)(page + at.PageOffset));
            if ((entry & Present) == 0)
                return false;

            bool pointers = !longMode && level == 3;
            bool leaf = level == 1 || (!pointers && level <= 3 && (entry & Large) != 0);
            if ((entry & Reserved(level, leaf, pointers, longMode, beyond, noExecute)) != 0)
                return Fail(ref errorCode, ErrorReserved | ErrorProtection);
            if (!pointers)
            {
                rights &= entry;
                executable &= (entry & NoExecute) == 0;
                if (leaf && !Allowed(in state, rights, access, executable))
                    return Fail(ref errorCode, ErrorProtection);
                if (!Mark(memory, at, entry, leaf && (access & GuestAccess.Write) != 0, narrow: false))
                    return false;
            }
            if (leaf)
            {
                ulong offset = (1ul << shift) - 1;
                physical = new GuestPhysical((entry & AddressMask & ~offset) | (linear & offset));
                return true;
            }
            table = entry & AddressMask;
        }
    }

    private static int Bits(in PagingState state) => state.PhysicalAddressBits is >= 32 and <= 52 ? state.PhysicalAddressBits : 52;

    // The bits that must be 0 in a present entry (Intel SDM vol. 3A, tables 4-8 to 4-20).
    private static ulong Reserved(int level, bool leaf, bool pointers, bool longMode, ulong beyond, bool noExecute)
    {
        ulong reserved = beyond;
        if (pointers)
            return reserved | 0x1e6 | NoExecute | 0x7ff0_0000_0000_0000;
        if (!noExecute)
            reserved |= NoExecute;
        if (!longMode)
            reserved |= 0x7ff0_0000_0000_0000;
        if (level >= 4)
            reserved |= Large;
        if (leaf && level > 1)
        {
            // Below the frame only the PAT bit (12) may be set.
            ulong below = (1ul << (PageSize.SmallShift + 9 * (level - 1))) - 1;
            reserved |= below & AddressMask & ~(1ul << 12);
        }
        return reserved;
    }

    private static bool Allowed(in PagingState state, ulong rights, GuestAccess access, bool executable)
    {
        bool userPage = (rights & User) != 0;
        bool fetch = (access & GuestAccess.Fetch) != 0;
        bool write = (access & GuestAccess.Write) != 0;
        if (fetch && !executable)
            return false;
        if ((access & GuestAccess.User) != 0)
            return userPage && (!write || (rights & Writable) != 0);
        if (userPage && fetch && (state.Cr4 & PagingState.Cr4Smep) != 0)
            return false;
        if (userPage && !fetch && (state.Cr4 & PagingState.Cr4Smap) != 0 && (access & GuestAccess.SmapSuspended) == 0)
            return false;
        return !write || (rights & Writable) != 0 || (state.Cr0 & PagingState.Cr0WriteProtect) == 0;
    }

    // Sets the accessed (and dirty) flag of an entry unless it is set, or has changed meanwhile. False if the guest has no memory to write there.
    private static bool Mark(GuestMemory memory, GuestPhysical at, ulong entry, bool dirty, bool narrow)
    {
        ulong marked = entry | Accessed | (dirty ? Dirty : 0);
        if (marked == entry)
            return true;
        byte* page = memory.Page(at, write: true);
        if (page == null)
            return false;
        if (narrow)
            Interlocked.CompareExchange(ref *(int*)(page + at.PageOffset), (int)marked, (int)entry);
        else
            Interlocked.CompareExchange(ref *(long*)(page + at.PageOffset), (long)marked, (long)entry);
        return true;
    }

    private static bool Fail(ref uint errorCode, uint bits)
    {
        errorCode |= bits;
        return false;
    }
}
