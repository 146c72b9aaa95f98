namespace Hv.Boot.Uefi;

/// <summary>The PCI devices as the firmware's drivers know them. Guest side.</summary>
internal static unsafe class PciDevices
{
    private const uint ClassOffset = 0x08;
    // Base classes; base class and subclass of screens before there were classes (PCI Code and ID Assignment 1.11, 1).
    private const uint StorageClass = 0x01, DisplayClass = 0x03, BridgeClass = 0x06, OldScreenClass = 0x0001;
    // Configuration reads of an absent function give ones; the lowest byte is the revision.
    private const uint AbsentClass = 0xFFFFFFFF;

    /// <summary>Class, subclass and programming interface in bits 31:8.</summary>
    public static uint ClassOf(void* handle)
    {
        var io = (PciIo*)Firmware.Protocol(handle, EfiGuid.PciIo);
        uint value = 0;
        return io != null && io->PciRead(io, PciIo.Width32, ClassOffset, 1, &value) == EfiStatus.Success ? value : 0;
    }

    /// <summary>Whether the handle is a storage controller's.</summary>
    public static bool IsStorage(void* handle) => ClassOf(handle) >> 24 == StorageClass;

    /// <summary>Bus, device, function as a requester ID.</summary>
    public static bool TryLocate(void* handle, out ushort address)
    {
        address = 0;
        var io = (PciIo*)Firmware.Protocol(handle, EfiGuid.PciIo);
        ulong segment, bus, device, function;
        if (io == null || io->GetLocation(io, &segment, &bus, &device, &function) != EfiStatus.Success || segment != 0)
            return false;
        address = (ushort)(bus << 8 | device << 3 | function);
        return true;
    }

    /// <summary>Which PCI devices there are on bus 0: bit n for number n.</summary>
    public static uint OnFirstBus()
    {
        void** handles = Firmware.Handles(EfiGuid.PciIo, out ulong count);
        uint present = 0;
        for (ulong i = 0; i < count; i++)
        {
            if (TryLocate(handles[i], out ushort address) && address >> 8 == 0)
                present |= 1u << (address >> 3);
        }
        return present;
    }

    /// <summary>Starts the drivers of every PCI device: a firmware that boots fast has started only those that it booted through.</summary>
    public static void ConnectAll()
    {
        void** handles = Firmware.Handles(EfiGuid.PciIo, out ulong count);
        for (ulong i = 0; i < count; i++)
            Firmware.Boot->ConnectController(handles[i], null, null, 1);
    }

    /// <summary>
    /// Stops the firmware's drivers for everything that a shadow does not have: their state must not be part of the boot snapshot. A driver that goes on without its device
    /// waits for answers (storage, random numbers), or takes the ones that it reads for input (serial ports).
    /// </summary>
    public static void DisconnectPassedThrough()
    {
        DisconnectDisks();
        void** handles = Firmware.Handles(EfiGuid.PciIo, out ulong count);
        for (ulong i = 0; i < count; i++)
        {
            if (!IsShared(ClassOf(handles[i])))
                Firmware.Boot->DisconnectController(handles[i], null, null);
        }
    }

    /// <summary>
    /// Starts the drivers again of what is there: in a shadow nothing. Not that of <paramref name="disk"/> (requester ID), which is Hv's.
    /// </summary>
    public static void ConnectPassedThrough(ushort disk)
    {
        void** handles = Firmware.Handles(EfiGuid.PciIo, out ulong count);
        for (ulong i = 0; i < count; i++)
        {
            uint code = ClassOf(handles[i]);
            if (code != AbsentClass && !IsShared(code) && TryLocate(handles[i], out ushort address) && address != disk)
                Firmware.Boot->ConnectController(handles[i], null, null, 1);
        }
    }

    // From the top: the drivers on a disk, then the disk, and its controller after that. EDK2's SCSI drivers, left to find the order, reset a disk by means of a bus that they
    // have freed.
    private static void DisconnectDisks()
    {
        void** handles = Firmware.Handles(EfiGuid.BlockIo, out ulong count);
        EfiGuid pciIo = EfiGuid.PciIo;
        for (ulong i = 0; i < count; i++)
        {
            var path = (EfiDevicePath*)Firmware.Protocol(handles[i], EfiGuid.DevicePath);
            void* controller = null;
            if (path != null && !EfiStatus.IsError(Firmware.Boot->LocateDevicePath(&pciIo, &path, &controller)) && !IsShared(ClassOf(controller)))
            {
                Firmware.Boot->DisconnectController(handles[i], null, null);
                Firmware.Boot->DisconnectController(controller, null, handles[i]);
            }
        }
    }

    // Shadows have the screen, bridges, and what is behind the ISA bridge.
    private static bool IsShared(uint code) => code >> 24 is DisplayClass or BridgeClass || code >> 16 == OldScreenClass;
}
