using System;
using System.Globalization;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>
/// Registers of PCI devices that the kernel was told to leave where they are, and found the place taken: drivers cannot use such a device. Found
/// anew it gets addresses of the kernel's choice.
/// </summary>
public static class FixedResources
{
    // Linux, include/linux/ioport.h.
    private const ulong Ports = 0x100, Memory = 0x200, Fixed = 0x10;
    private const int Fields = 3;
    // The file's first lines; expansion ROM and bridge windows follow. A display's ROM can be fixed, too: its copy in memory, which is nobody's register.
    private const int BaseAddressRegisters = 6;

    /// <summary>Whether <paramref name="device"/> (0000:00:03.0) has such registers.</summary>
    /// <param name="device">Its address.</param>
    /// <param name="resource">Its file "resource" in sysfs.</param>
    /// <param name="memory">/proc/iomem.</param>
    /// <param name="ports">/proc/ioports.</param>
    public static bool AreHomeless(string device, string resource, string memory, string ports)
    {
        foreach (string line in resource.Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(BaseAddressRegisters))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != Fields || !TryParse(fields[0], out ulong start) || !TryParse(fields[1], out ulong end) || !TryParse(fields[2], out ulong flags))
                continue;
            if ((flags & Fixed) == 0 || (flags & (Ports | Memory)) == 0 || start == 0)
                continue;
            bool isPorts = (flags & Ports) != 0;
            string place = isPorts ? FormattableString.Invariant($"{start:x4}-{end:x4} : {device}") : FormattableString.Invariant($"{start:x8}-{end:x8} : {device}");
            if (!(isPorts ? ports : memory).Contains(place, StringComparison.Ordinal))
                return true;
        }
        return false;
    }

    private static bool TryParse(string text, out ulong value)
    {
        value = 0;
        return text.StartsWith("0x", StringComparison.Ordinal) && ulong.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out value);
    }
}
