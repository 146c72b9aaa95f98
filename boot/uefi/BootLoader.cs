using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;

namespace Hv.Boot.Uefi;

/// <summary>Takes the disk over, takes the boot snapshot and starts the OS's own boot loader. Guest side.</summary>
internal static unsafe class BootLoader
{
    private const uint RuntimePropertiesVersion = 1;
    // GetTime, SetTime, GetWakeupTime, SetWakeupTime, SetVirtualAddressMap, ConvertPointer, ResetSystem: all but the variable services (UEFI 2.10, 4.6.2).
    private const uint RuntimeServicesWithoutVariables = 0x0001 | 0x0002 | 0x0004 | 0x0008 | 0x0100 | 0x0200 | 0x0400;

    /// <summary>Under Hv: shadow reboots will work. Returns only if no OS could be started.</summary>
    public static ulong StartUnderHv()
    {
        PciDevices.ConnectAll();
        if (!OsChoice.Find(OwnDevice, out OsChoice choice))
            return NoLoader();
        PciDevices.DisconnectPassedThrough();
        ulong status = HypercallGate.Call(Hypercall.TakeDisk, (ulong)&choice.Disk);
        if (status != (ulong)Status.Ok)
        {
            Log.Line("Hv: the boot disk could not be taken over, status ", status);
            Firmware.Say("Hv: the boot disk's controller is of a kind that Hv has no driver for, or does not answer. The OS is started, without shadow reboots.");
            return StartPlain();
        }
        DescribeRuntimeServices();
        HotAdd.Offer();
        if (!MemoryMap.Read(out MemoryMap map))
            return EfiStatus.OutOfResources;
        status = HypercallGate.Call(Hypercall.Snapshot, (ulong)map.Descriptors, map.Bytes, map.DescriptorBytes);
        if (status != (ulong)Status.Ok && status != Hypercall.SnapshotRestored)
        {
            Log.Line("Hv: no boot snapshot, status ", status);
            Firmware.Say("Hv: there is not enough memory for a boot snapshot. The OS is started, without shadow reboots.");
        }
        // From here on a shadow does the same again: nothing of the disk has been read before.
        PciDevices.ConnectPassedThrough(choice.Disk.Controller);
        void* exitEvent;
        _ = Firmware.Boot->CreateEvent(BootServices.EventSignalExitBootServices, BootServices.TplNotify,
            (delegate* unmanaged<void*, void*, void>)&EndOfBoot, null, &exitEvent);
        if (EfiStatus.IsError(HvBlockIo.Install(in choice.Disk)))
            return EfiStatus.OutOfResources;
        void** handles = Firmware.Handles(EfiGuid.SimpleFileSystem, out ulong count);
        for (ulong i = 0; i < count; i++)
        {
            if (choice.IsOn(handles[i]))
                StartFrom(handles[i], choice.File);
        }
        return NoLoader();
    }

    /// <summary>With the firmware's own disk drivers. Returns only if no OS could be started.</summary>
    public static ulong StartPlain()
    {
        PciDevices.ConnectAll();
        void* own = OwnDevice;
        void** handles = Firmware.Handles(EfiGuid.SimpleFileSystem, out ulong count);
        char* file = DevicePaths.Copy(OsChoice.RemovableLoader);
        for (ulong i = 0; i < count; i++)
        {
            if (handles[i] != own)
                StartFrom(handles[i], file);
        }
        return NoLoader();
    }

    private static void* OwnDevice => ((LoadedImage*)Firmware.Protocol(Firmware.Image, EfiGuid.LoadedImage))->DeviceHandle;

    private static ulong NoLoader()
    {
        Firmware.Say("Hv: no boot loader was found. Put an OS with UEFI support on an internal disk, then try again.");
        return EfiStatus.NotFound;
    }

    private static void StartFrom(void* fileSystem, char* file)
    {
        EfiDevicePath* path = DevicePaths.Append((EfiDevicePath*)Firmware.Protocol(fileSystem, EfiGuid.DevicePath), file);
        if (path == null)
            return;
        void* image = null;
        ulong status = Firmware.Boot->LoadImage(1, Firmware.Image, path, null, 0, &image);
        if (EfiStatus.IsError(status))
        {
            Log.Line("Hv: the boot loader could not be loaded, status ", status);
            return;
        }
        Log.Line("Hv: starting the boot loader");
        status = Firmware.Boot->StartImage(image, null, null);
        Log.Line("Hv: the boot loader came back, status ", status);
    }

    // Until variable services are shared between the VMs the OS is told that there are none (DESIGN D14).
    private static void DescribeRuntimeServices()
    {
        byte* table = null;
        void* memory = null;
        const ulong bytes = 8;
        if (EfiStatus.IsError(Firmware.Boot->AllocatePool(EfiMemoryType.AcpiReclaim, bytes, &memory)))
            return;
        table = (byte*)memory;
        *(ushort*)table = (ushort)RuntimePropertiesVersion;
        *(ushort*)(table + 2) = (ushort)bytes;
        *(uint*)(table + 4) = RuntimeServicesWithoutVariables;
        EfiGuid guid = EfiGuid.RuntimePropertiesTable;
        _ = Firmware.Boot->InstallConfigurationTable(&guid, table);
    }

    [UnmanagedCallersOnly]
    private static void EndOfBoot(void* notification, void* context) => HypercallGate.Call(Hypercall.EndOfBoot);
}
