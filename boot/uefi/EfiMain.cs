using System.Runtime;

namespace Hv.Boot.Uefi;

/// <summary>Where the firmware enters Hv.efi.</summary>
internal static unsafe class EfiMain
{
    // The C# compiler wants a Main; the firmware calls Entry.
    private static void Main()
    {
    }

    [RuntimeExport("EfiMain")]
    private static ulong Entry(void* imageHandle, SystemTable* systemTable) => Loader.Run(imageHandle, systemTable);
}
