using System;
using Hv.Kernel.Diagnostics;

namespace Hv.Boot.Uefi;

/// <summary>The firmware's tables, and calls that the loader needs more than once. Guest side only; boot services must exist.</summary>
internal static unsafe class Firmware
{
    private static SystemTable* s_system;
    private static void* s_image;

    public static void Use(void* image, SystemTable* system)
    {
        s_image = image;
        s_system = system;
    }

    public static SystemTable* System => s_system;
    public static BootServices* Boot => s_system->BootServices;
    public static void* Image => s_image;

    /// <summary>The interface of <paramref name="protocol"/> on a handle; null if it has none.</summary>
    public static void* Protocol(void* handle, EfiGuid protocol)
    {
        void* found = null;
        return handle != null && Boot->HandleProtocol(handle, &protocol, &found) == EfiStatus.Success ? found : null;
    }

    /// <summary>All handles with <paramref name="protocol"/>; to be freed with FreePool.</summary>
    public static void** Handles(EfiGuid protocol, out ulong count)
    {
        void** handles = null;
        ulong found = 0;
        ulong status = Boot->LocateHandleBuffer(BootServices.ByProtocol, &protocol, null, &found, &handles);
        count = status == EfiStatus.Success ? found : 0;
        return handles;
    }

    /// <summary>The first interface of <paramref name="protocol"/>; null if there is none.</summary>
    public static void* Locate(EfiGuid protocol)
    {
        void* found = null;
        return Boot->LocateProtocol(&protocol, null, &found) == EfiStatus.Success ? found : null;
    }

    /// <summary>Whether a handle has a file system with this file.</summary>
    public static bool HasFile(void* handle, string name)
    {
        var fileSystem = (SimpleFileSystem*)Firmware.Protocol(handle, EfiGuid.SimpleFileSystem);
        FileProtocol* root = null, file = null;
        if (fileSystem == null || EfiStatus.IsError(fileSystem->OpenVolume(fileSystem, &root)))
            return false;
        bool found;
        fixed (char* characters = name)
            found = !EfiStatus.IsError(root->Open(root, &file, characters, FileProtocol.ModeRead, 0));
        if (found)
            file->Close(file);
        root->Close(root);
        return found;
    }

    /// <summary>Writes which Hv this is.</summary>
    public static void SayVersion()
    {
        Write("Hv ");
        Say(BuildId.Text);
    }

    /// <summary>Writes how many of the machine's processors Hv runs on.</summary>
    public static void SayProcessors(uint count, uint all)
    {
        Write("Hv: ");
        WriteNumber(count);
        if (count != all)
        {
            Write(" of ");
            WriteNumber(all);
        }
        Say(count == 1 && all == 1 ? " processor" : " processors");
    }

    // At most three digits.
    private static void WriteNumber(uint number)
    {
        char* text = stackalloc char[4];
        int length = 0;
        for (uint place = 100; place != 0; place /= 10)
        {
            if (number >= place || place == 1)
                text[length++] = (char)('0' + number / place % 10);
        }
        text[length] = '\0';
        for (int i = 0; i < length; i++)
            Log.Write(new ReadOnlySpan<byte>((byte*)(text + i), 1));
        Show(text);
    }

    /// <summary>Memory from the firmware's pool; null if there is none.</summary>
    public static byte* Allocate(ulong bytes)
    {
        void* memory = null;
        return Boot->AllocatePool(EfiMemoryType.LoaderData, bytes, &memory) == EfiStatus.Success ? (byte*)memory : null;
    }

    /// <summary>Writes a line to the screen and to Hv's log.</summary>
    public static void Say(string text)
    {
        Write(text);
        Log.EndLine();
        char* end = stackalloc char[3];
        end[0] = '\r';
        end[1] = '\n';
        end[2] = '\0';
        Show(end);
    }

    private static void Write(string text)
    {
        Log.Write(text);
        fixed (char* characters = text)
            Show(characters);
    }

    private static void Show(char* characters)
    {
        if (s_system->ConOut != null)
            s_system->ConOut->OutputString(s_system->ConOut, characters);
    }

    /// <summary>A configuration table; null if it is not there.</summary>
    public static void* ConfigurationTable(EfiGuid which)
    {
        for (ulong i = 0; i < s_system->NumberOfTableEntries; i++)
        {
            if (s_system->ConfigurationTable[i].VendorGuid.Is(which))
                return s_system->ConfigurationTable[i].VendorTable;
        }
        return null;
    }
}
