using System;

namespace Hv.Boot.Uefi;

/// <summary>Which OS is started: the partition its boot loader is on, the file, and the disk below.</summary>
internal unsafe struct OsChoice
{
    private const int HardDriveSignatureOffset = 24, SignatureBytes = 16;

    /// <summary>The file, zero-terminated.</summary>
    public char* File;
    /// <summary>GPT partition GUID (or MBR signature), as in the hard drive node.</summary>
    public fixed byte Partition[SignatureBytes];
    /// <summary>Where the disk is.</summary>
    public DiskSelection Disk;

    /// <summary>
    /// Looks through the boot options in the firmware's order, then for a removable-media loader on any internal disk; never on the
    /// device that Hv itself came from. False if there is none.
    /// </summary>
    public static bool Find(void* ownDevice, out OsChoice choice)
    {
        choice = default;
        void** handles = Firmware.Handles(EfiGuid.SimpleFileSystem, out ulong count);
        BootOptions options = BootOptions.Read();
        for (int i = 0; i < options.Count; i++)
        {
            EfiDevicePath* path = options.PathOf(i);
            EfiDevicePath* drive = DevicePaths.FindNode(path, EfiDevicePath.MediaType, EfiDevicePath.HardDriveSubtype);
            EfiDevicePath* file = DevicePaths.FindNode(path, EfiDevicePath.MediaType, EfiDevicePath.FilePathSubtype);
            if (drive == null || file == null)
                continue;
            for (ulong k = 0; k < count; k++)
            {
                if (handles[k] != ownDevice && SamePartition(PathOf(handles[k]), drive) && Use(handles[k], DevicePaths.FileName(file), ref choice))
                    return true;
            }
        }
        for (ulong k = 0; k < count; k++)
        {
            if (handles[k] != ownDevice && Firmware.HasFile(handles[k], RemovableLoader) && Use(handles[k], DevicePaths.Copy(RemovableLoader), ref choice))
                return true;
        }
        return false;
    }

    /// <summary>The file that a medium without boot option has (UEFI 2.10, 3.5.1.1).</summary>
    public const string RemovableLoader = "\\EFI\\BOOT\\BOOTX64.EFI";

    /// <summary>Whether a file system is on this partition.</summary>
    public bool IsOn(void* handle)
    {
        EfiDevicePath* drive = DevicePaths.FindNode(PathOf(handle), EfiDevicePath.MediaType, EfiDevicePath.HardDriveSubtype);
        if (drive == null)
            return false;
        for (int i = 0; i < SignatureBytes; i++)
        {
            if (((byte*)drive)[HardDriveSignatureOffset + i] != Partition[i])
                return false;
        }
        return true;
    }

    private static EfiDevicePath* PathOf(void* handle) => (EfiDevicePath*)Firmware.Protocol(handle, EfiGuid.DevicePath);

    private static bool SamePartition(EfiDevicePath* path, EfiDevicePath* drive)
    {
        EfiDevicePath* own = DevicePaths.FindNode(path, EfiDevicePath.MediaType, EfiDevicePath.HardDriveSubtype);
        return own != null && new ReadOnlySpan<byte>((byte*)own + HardDriveSignatureOffset, SignatureBytes)
            .SequenceEqual(new ReadOnlySpan<byte>((byte*)drive + HardDriveSignatureOffset, SignatureBytes));
    }

    // The controller is the PCI device in the path; what follows names the disk on it.
    private static bool Use(void* handle, char* file, ref OsChoice choice)
    {
        EfiDevicePath* path = PathOf(handle);
        EfiDevicePath* drive = DevicePaths.FindNode(path, EfiDevicePath.MediaType, EfiDevicePath.HardDriveSubtype);
        EfiDevicePath* rest = path;
        void* controller = null;
        EfiGuid pciIo = EfiGuid.PciIo;
        if (file == null || drive == null || EfiStatus.IsError(Firmware.Boot->LocateDevicePath(&pciIo, &rest, &controller)))
            return false;
        if (!PciDevices.IsStorage(controller) || !PciDevices.TryLocate(controller, out choice.Disk.Controller))
            return false;
        choice.Disk.Unit = DevicePaths.UnitOf(rest);
        choice.File = file;
        for (int i = 0; i < SignatureBytes; i++)
            choice.Partition[i] = ((byte*)drive)[HardDriveSignatureOffset + i];
        return true;
    }
}
