namespace Hv.Kernel.Memory;

/// <summary>The bump allocator behind <c>new</c>. Used while booting only, on the boot processor; nothing is ever freed.</summary>
public static unsafe class BootHeap
{
    private const ulong Alignment = 16;

    private static byte* s_next;
    private static byte* s_end;
    private static bool s_sealed;

    /// <summary>Gives the heap <paramref name="bytes"/> bytes of zeroed memory at <paramref name="start"/>.</summary>
    public static void Initialize(byte* start, ulong bytes)
    {
        s_next = start;
        s_end = start + bytes;
        s_sealed = false;
    }

    /// <summary>Ends allocation: whatever allocates later is a defect, and stops Hv.</summary>
    public static void Seal() => s_sealed = true;

    /// <summary>Bytes not yet allocated.</summary>
    public static ulong FreeBytes => (ulong)(s_end - s_next);

    /// <summary>Takes <paramref name="bytes"/> zeroed bytes, aligned to 16. Stops Hv when there are none or booting is over.</summary>
    public static byte* Allocate(ulong bytes)
    {
        Invariant.Holds(!s_sealed, "allocation after boot");
        bytes = (bytes + (Alignment - 1)) & ~(Alignment - 1);
        Invariant.Holds(bytes <= FreeBytes, "boot heap exhausted");
        byte* block = s_next;
        s_next += bytes;
        return block;
    }
}
