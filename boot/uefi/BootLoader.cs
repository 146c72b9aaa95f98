using System;
using Hv.Kernel.Diagnostics;

namespace Hv.Boot.Uefi;

/// <summary>Finds and starts the OS's own boot loader.</summary>
internal static unsafe class BootLoader
{
    /// <summary>Tries every disk but the one that Hv was loaded from. Returns only if none could be started.</summary>
    public static ulong Start()
    {
        void* own = ((LoadedImage*)Firmware.Protocol(Firmware.Image, EfiGuid.LoadedImage))->DeviceHandle;
        ConnectAll();
        void** handles = Firmware.Handles(EfiGuid.SimpleFileSystem, out ulong count);
        for (ulong i = 0; i < count; i++)
        {
            if (handles[i] != own)
                StartFrom(handles[i], "\\EFI\\BOOT\\BOOTX64.EFI");
        }
        Firmware.Say("Hv: no boot loader was found. Put an OS with UEFI support on an internal disk, then try again.");
        return EfiStatus.NotFound;
    }

    // A firmware that boots fast has started only the drivers for the device that it booted from.
    private static void ConnectAll()
    {
        void** handles = Firmware.Handles(EfiGuid.PciIo, out ulong count);
        for (ulong i = 0; i < count; i++)
            Firmware.Boot->ConnectController(handles[i], null, null, 1);
    }

    private static void StartFrom(void* fileSystem, string file)
    {
        EfiDevicePath* path = DevicePaths.Append((EfiDevicePath*)Firmware.Protocol(fileSystem, EfiGuid.DevicePath), file);
        if (path == null)
            return;
        void* image = null;
        ulong status = Firmware.Boot->LoadImage(1, Firmware.Image, path, null, 0, &image);
        if (EfiStatus.IsError(status))
            return;
        Log.Line("Hv: starting the boot loader");
        Firmware.Boot->StartImage(image, null, null);
    }
}
