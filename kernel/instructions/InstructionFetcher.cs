using System;
using Hv.Kernel.Memory;

namespace Hv.Kernel.Instructions;

/// <summary>Reads the bytes of the instruction at which a guest has stopped.</summary>
public static unsafe class InstructionFetcher
{
    /// <summary>
    /// Reads up to 15 bytes at CS:RIP into <paramref name="bytes"/> (at least 15 long) and gives how many it could read. Fewer than 15
    /// means that the next page cannot be fetched from; <paramref name="errorCode"/> is then that of the page fault, or 0 if the page
    /// is mapped but is no memory.
    /// </summary>
    public static int Fetch(in InstructionContext context, GuestMemory memory, Span<byte> bytes, out uint errorCode)
    {
        int count = 0;
        errorCode = 0;
        ulong codeBase = context.Segments.For(SegmentRegister.Cs, context.Mode);
        GuestAccess access = GuestAccess.Fetch | context.Privilege;
        while (count < InstructionDecoder.MaximumLength)
        {
            ulong linear = codeBase + context.Rip + (uint)count;
            if (context.Mode != CodeSize.Bits64)
                linear = (uint)linear;
            if (!GuestPaging.Translate(in context.Paging, memory, new GuestVirtual(linear), access, out GuestPhysical physical, out errorCode))
                return count;
            byte* page = memory.Page(physical, write: false);
            if (page == null)
                return count;
            int inPage = (int)(PageSize.Small - physical.PageOffset);
            int wanted = InstructionDecoder.MaximumLength - count;
            int length = inPage < wanted ? inPage : wanted;
            new ReadOnlySpan<byte>(page + physical.PageOffset, length).CopyTo(bytes.Slice(count));
            count += length;
        }
        return count;
    }
}
