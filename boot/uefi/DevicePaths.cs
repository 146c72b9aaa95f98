using System;
using System.Runtime.CompilerServices;

namespace Hv.Boot.Uefi;

/// <summary>Reads and makes device paths (UEFI 2.10, chapter 10). Guest side.</summary>
internal static unsafe class DevicePaths
{
    /// <summary>Bytes of a node's head.</summary>
    public const int NodeHead = 4;

    private const byte MessagingType = 3, AtapiSubtype = 1, SataSubtype = 18, NvmeSubtype = 23;
    private const int MaxNodes = 64;

    /// <summary>The next node.</summary>
    public static EfiDevicePath* Next(EfiDevicePath* node) => (EfiDevicePath*)((byte*)node + Math.Max((int)node->Length, NodeHead));

    /// <summary>Bytes up to the end node, which is not counted.</summary>
    public static int Bytes(EfiDevicePath* path)
    {
        EfiDevicePath* node = path;
        while (!node->IsEnd)
            node = Next(node);
        return (int)((byte*)node - (byte*)path);
    }

    /// <summary>The first node of a kind; null if there is none.</summary>
    public static EfiDevicePath* FindNode(EfiDevicePath* path, byte type, byte subType)
    {
        EfiDevicePath* node = path;
        for (int i = 0; node != null && i < MaxNodes && !node->IsEnd; i++)
        {
            if (node->Type == type && node->SubType == subType)
                return node;
            node = Next(node);
        }
        return null;
    }

    /// <summary>The disk of a controller that a path's rest names: <see cref="DiskSelection.Unit"/>.</summary>
    public static uint UnitOf(EfiDevicePath* rest)
    {
        byte* data = (byte*)rest + NodeHead;
        if (rest->Type != MessagingType)
            return 0;
        return rest->SubType switch
        {
            NvmeSubtype => Unsafe.ReadUnaligned<uint>(data),
            SataSubtype => Unsafe.ReadUnaligned<ushort>(data),
            AtapiSubtype => data[0] * 2u + data[1],
            _ => 0,
        };
    }

    /// <summary>The text of a file path node.</summary>
    public static char* FileName(EfiDevicePath* node) => (char*)((byte*)node + NodeHead);

    /// <summary>A text with terminator in the firmware's memory; null without memory.</summary>
    public static char* Copy(string text)
    {
        char* copy = (char*)Firmware.Allocate((ulong)(text.Length + 1) * sizeof(char));
        if (copy == null)
            return null;
        text.AsCharacters(copy);
        copy[text.Length] = '\0';
        return copy;
    }

    /// <summary>A new path: <paramref name="device"/> and then a file; null without memory or device.</summary>
    public static EfiDevicePath* Append(EfiDevicePath* device, char* file)
    {
        if (device == null)
            return null;
        int length = 0;
        while (file[length] != 0)
            length++;
        int deviceBytes = Bytes(device);
        int fileBytes = NodeHead + (length + 1) * sizeof(char);
        byte* path = Firmware.Allocate((ulong)(deviceBytes + fileBytes + NodeHead));
        if (path == null)
            return null;
        new ReadOnlySpan<byte>(device, deviceBytes).CopyTo(new Span<byte>(path, deviceBytes));
        var node = (EfiDevicePath*)(path + deviceBytes);
        Head(node, EfiDevicePath.MediaType, EfiDevicePath.FilePathSubtype, fileBytes);
        new ReadOnlySpan<byte>(file, (length + 1) * sizeof(char)).CopyTo(new Span<byte>((byte*)node + NodeHead, (length + 1) * sizeof(char)));
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
