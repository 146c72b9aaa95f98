namespace Hv.Kernel.Diagnostics;

/// <summary>
/// Names for addresses in Hv's code. The build appends the table to the image as its last section: a count, then for each
/// function, sorted, the offset from the image base and the offset of its name; then the names, each ended by a zero.
/// </summary>
public static unsafe class SymbolTable
{
    private static byte* s_imageBase;
    private static uint s_codeStart;
    private static uint s_codeEnd;
    private static uint* s_table;

    /// <summary>Names the running image: its base, its code (offsets in bytes) and the table (null: none).</summary>
    public static void Use(byte* imageBase, uint codeStart, uint codeEnd, void* table)
    {
        s_imageBase = imageBase;
        s_codeStart = codeStart;
        s_codeEnd = codeEnd;
        s_table = (uint*)table;
    }

    /// <summary>Whether an address (Hv-virtual) lies in Hv's code.</summary>
    public static bool IsCode(ulong address)
    {
        ulong offset = address - (ulong)s_imageBase;
        return s_imageBase != null && offset >= s_codeStart && offset < s_codeEnd;
    }

    /// <summary>Writes <c>function+offset</c> to the log, or the offset from the image base where no name is known.</summary>
    public static void WriteName(ulong address)
    {
        if (!IsCode(address))
            return;
        uint offset = (uint)(address - (ulong)s_imageBase);
        if (s_table == null)
        {
            Log.Write("image+");
            Log.Hex(offset);
            return;
        }
        uint count = s_table[0];
        uint* entries = s_table + 1;
        uint low = 0, high = count;
        while (high - low > 1)
        {
            uint middle = (low + high) / 2;
            if (entries[middle * 2] <= offset)
                low = middle;
            else
                high = middle;
        }
        byte* name = (byte*)(entries + count * 2) + entries[low * 2 + 1];
        int length = 0;
        while (name[length] != 0)
            length++;
        Log.Write(new System.ReadOnlySpan<byte>(name, length));
        Log.Write("+");
        Log.Hex(offset - entries[low * 2]);
    }
}
