using System;

namespace Hv.Boot.Uefi;

/// <summary>The firmware's boot options in their order (UEFI 2.10, 3.1): BootOrder and the Boot#### that it names.</summary>
internal unsafe struct BootOptions
{
    private const int MaxOptions = 64;
    private const uint LoadOptionActive = 1;
    private const int DescriptionOffset = 6;

    private ushort* _order;
    private int _count;

    /// <summary>How many options there are.</summary>
    public readonly int Count => _count;

    /// <summary>Reads BootOrder.</summary>
    public static BootOptions Read()
    {
        BootOptions options = default;
        byte* order = Variable("BootOrder", out ulong bytes);
        options._order = (ushort*)order;
        options._count = order == null ? 0 : (int)Math.Min(bytes / sizeof(ushort), MaxOptions);
        return options;
    }

    /// <summary>The device path of an option; null if it is inactive or malformed.</summary>
    public readonly EfiDevicePath* PathOf(int index)
    {
        char* name = stackalloc char[9];
        "Boot".AsCharacters(name);
        ReadOnlySpan<byte> digits = "0123456789ABCDEF"u8;
        for (int i = 0; i < 4; i++)
            name[4 + i] = (char)digits[_order[index] >> ((3 - i) * 4) & 15];
        name[8] = '\0';
        byte* option = Variable(name, out ulong bytes);
        if (option == null || bytes < DescriptionOffset + 2 || (*(uint*)option & LoadOptionActive) == 0)
            return null;
        ulong at = DescriptionOffset;
        while (at + 2 <= bytes && *(ushort*)(option + at) != 0)
            at += 2;
        at += 2;
        return at + 4 <= bytes ? (EfiDevicePath*)(option + at) : null;
    }

    private static byte* Variable(string name, out ulong bytes)
    {
        fixed (char* characters = name)
            return Variable(characters, out bytes);
    }

    private static byte* Variable(char* name, out ulong bytes)
    {
        EfiGuid global = EfiGuid.GlobalVariable;
        ulong size = 0;
        uint attributes;
        bytes = 0;
        RuntimeServices* runtime = Firmware.System->RuntimeServices;
        if (runtime->GetVariable(name, &global, &attributes, &size, null) != EfiStatus.BufferTooSmall)
            return null;
        byte* value = Firmware.Allocate(size);
        if (value == null || runtime->GetVariable(name, &global, &attributes, &size, value) != EfiStatus.Success)
            return null;
        bytes = size;
        return value;
    }
}
