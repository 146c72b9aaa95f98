using System;

namespace Hv.Boot.Uefi;

/// <summary>Reads and makes device paths (UEFI 2.10, chapter 10).</summary>
internal static unsafe class DevicePaths
{
    private const int NodeHead = 4;

    /// <summary>The next node.</summary>
    public static EfiDevicePath* Next(EfiDevicePath* node) => (EfiDevicePath*)((byte*)node + Math.Max(node->Length, (ushort)NodeHead));

    /// <summary>Bytes up to the end node, which is not counted.</summary>
    public static int Bytes(EfiDevicePath* path)
    {
        EfiDevicePath* node = path;
        while (!node->IsEnd)
            node = Next(node);
        return (int)((byte*)node - (byte*)path);
    }

    /// <summary>A new path: <paramref name="device"/> and then a file; null without memory or device.</summary>
    public static EfiDevicePath* Append(EfiDevicePath* device, string file)
    {
        if (device == null)
            return null;
        int deviceBytes = Bytes(device);
        int fileBytes = NodeHead + (file.Length + 1) * sizeof(char);
        byte* path = Firmware.Allocate((ulong)(deviceBytes + fileBytes + NodeHead));
        if (path == null)
            return null;
        new ReadOnlySpan<byte>(device, deviceBytes).CopyTo(new Span<byte>(path, deviceBytes));
        var node = (EfiDevicePath*)(path + deviceBytes);
        Head(node, EfiDevicePath.MediaType, EfiDevicePath.FilePathSubtype, fileBytes);
        char* name = (char*)((byte*)node + NodeHead);
        for (int i = 0; i < file.Length; i++)
            name[i] = file[i];
        name[file.Length] = '\0';
        Head((EfiDevicePath*)((byte*)node + fileBytes), EfiDevicePath.EndType, EfiDevicePath.EndEntireSubtype, NodeHead);
        return (EfiDevicePath*)path;
    }

    /// <summary>Fills in a node's head.</summary>
    public static void Head(EfiDevicePath* node, byte type, byte subType, int bytes)
    {
        node->Type = type;
        node->SubType = subType;
        node->Length = (ushort)bytes;
    }
}
