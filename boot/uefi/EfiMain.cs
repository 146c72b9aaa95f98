using System.Runtime;
using Hv.Kernel.Diagnostics;

namespace Hv.Boot.Uefi;

internal static unsafe class Entry
{
    private static void Main() { }

    [RuntimeExport("EfiMain")]
    private static ulong EfiMain(void* image, void* systemTable)
    {
        Log.UsePorts(0x3F8);
        Log.Line("Hv hello");
        return 0;
    }
}
