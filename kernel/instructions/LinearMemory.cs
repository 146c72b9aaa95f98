using Hv.Kernel.Memory;

namespace Hv.Kernel.Instructions;

/// <summary>Reads and writes a guest's memory by linear address, as the memory side of a string instruction does.</summary>
internal static unsafe class LinearMemory
{
    /// <summary>Where the bytes of one operand lie: in one page, or the first of them in one page and the rest in the next.</summary>
    public struct Place
    {
        /// <summary>The first byte.</summary>
        public byte* First;
        /// <summary>How many bytes lie there.</summary>
        public int FirstLength;
        /// <summary>The rest, or null.</summary>
        public byte* Rest;
    }

    /// <summary>
    /// Finds the <paramref name="size"/> bytes at <paramref name="address"/>. <see cref="EmulationResult.PageFault"/> with its
    /// <paramref name="fault"/> if the guest's tables forbid it, <see cref="EmulationResult.Unsupported"/> if there is no memory.
    /// </summary>
    public static EmulationResult Find(in InstructionContext context, GuestMemory memory, GuestVirtual address, int size, GuestAccess access,
        out Place place, out GuestPageFault fault)
    {
        place = default;
        int inPage = (int)(PageSize.Small - address.PageOffset);
        place.FirstLength = size < inPage ? size : inPage;
        EmulationResult result = Find(in context, memory, address, access, out place.First, out fault);
        if (result == EmulationResult.Completed && size > inPage)
        {
            ulong next = address.Value + (uint)inPage;
            if (context.Mode != CodeSize.Bits64)
                next = (uint)next;
            result = Find(in context, memory, new GuestVirtual(next), access, out place.Rest, out fault);
        }
        return result;
    }

    private static EmulationResult Find(in InstructionContext context, GuestMemory memory, GuestVirtual address, GuestAccess access,
        out byte* bytes, out GuestPageFault fault)
    {
        bytes = null;
        fault = default;
        if (!GuestPaging.Translate(in context.Paging, memory, address, access | context.Privilege, out GuestPhysical physical, out uint errorCode))
        {
            fault.Address = address;
            fault.ErrorCode = errorCode;
            return EmulationResult.PageFault;
        }
        byte* page = memory.Page(physical, (access & GuestAccess.Write) != 0);
        if (page == null)
            return EmulationResult.Unsupported;
        bytes = page + physical.PageOffset;
        return EmulationResult.Completed;
    }

    /// <summary>Reads <paramref name="size"/> bytes, zero-extended.</summary>
    public static ulong Read(in Place place, int size)
    {
        ulong value = 0;
        for (int i = 0; i < size; i++)
            value |= (ulong)*At(in place, i) << (8 * i);
        return value;
    }

    /// <summary>Writes the low <paramref name="size"/> bytes of <paramref name="value"/>.</summary>
    public static void Write(in Place place, int size, ulong value)
    {
        for (int i = 0; i < size; i++)
            *At(in place, i) = (byte)(value >> (8 * i));
    }

    private static byte* At(in Place place, int index) =>
        index < place.FirstLength ? place.First + index : place.Rest + (index - place.FirstLength);
}
