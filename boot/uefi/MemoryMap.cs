namespace Hv.Boot.Uefi;

/// <summary>The firmware's memory map at one moment, in a buffer of the loader's.</summary>
internal unsafe struct MemoryMap
{
    private const ulong Room = 8;

    /// <summary>The descriptors; each is <see cref="DescriptorBytes"/> long, which may be more than the structure.</summary>
    public byte* Descriptors;
    public ulong Bytes;
    public ulong DescriptorBytes;

    /// <summary>Reads the map; false if the firmware fails.</summary>
    public static bool Read(out MemoryMap map)
    {
        map = default;
        ulong bytes = 0, key, descriptorBytes = 0;
        uint version;
        ulong status = Firmware.Boot->GetMemoryMap(&bytes, null, &key, &descriptorBytes, &version);
        while (status == EfiStatus.BufferTooSmall)
        {
            bytes += Room * descriptorBytes;
            byte* buffer = Firmware.Allocate(bytes);
            if (buffer == null)
                return false;
            map.Descriptors = buffer;
            status = Firmware.Boot->GetMemoryMap(&bytes, (EfiMemoryDescriptor*)buffer, &key, &descriptorBytes, &version);
            if (status == EfiStatus.BufferTooSmall)
                Firmware.Boot->FreePool(buffer);
        }
        map.Bytes = bytes;
        map.DescriptorBytes = descriptorBytes;
        return status == EfiStatus.Success;
    }

    public readonly int Count => (int)(Bytes / DescriptorBytes);

    public readonly EfiMemoryDescriptor* this[int index] => (EfiMemoryDescriptor*)(Descriptors + (ulong)index * DescriptorBytes);
}
