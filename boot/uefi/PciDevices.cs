namespace Hv.Boot.Uefi;

/// <summary>The PCI devices as the firmware's drivers know them. Guest side.</summary>
internal static unsafe class PciDevices
{
    private const uint ClassOffset = 0x08;
    private const uint StorageClass = 0x01, NetworkClass = 0x02, SerialBusClass = 0x0C, UsbSubclass = 0x03;

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

    /// <summary>Stops the firmware's drivers for USB, network and storage: their state must not be part of the boot snapshot.</summary>
    public static void DisconnectBusMasters()
    {
        void** handles = Firmware.Handles(EfiGuid.PciIo, out ulong count);
        for (ulong i = 0; i < count; i++)
        {
            uint code = ClassOf(handles[i]);
            uint baseClass = code >> 24, subclass = code >> 16 & 0xFF;
            if (baseClass == StorageClass || baseClass == NetworkClass || baseClass == SerialBusClass && subclass == UsbSubclass)
                Firmware.Boot->DisconnectController(handles[i], null, null);
        }
    }
}
