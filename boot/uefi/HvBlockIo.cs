using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>
/// The boot disk, announced to the firmware after the boot snapshot: each function is a hypercall. So the firmware has no driver
/// state of it in the snapshot, and nothing cached of its contents.
/// </summary>
internal static unsafe class HvBlockIo
{
    private const int VendorNodeBytes = DevicePaths.NodeHead + 16;

    /// <summary>The device handle; null before <see cref="Install"/>.</summary>
    public static void* Handle { get; private set; }

    /// <summary>Announces the disk and lets the firmware find partitions and file systems on it.</summary>
    public static ulong Install(in DiskSelection disk)
    {
        byte* memory = Firmware.Allocate((ulong)(sizeof(BlockIo) + sizeof(BlockIoMedia) + VendorNodeBytes + DevicePaths.NodeHead));
        if (memory == null)
            return EfiStatus.OutOfResources;
        var io = (BlockIo*)memory;
        var media = (BlockIoMedia*)(memory + sizeof(BlockIo));
        var path = (EfiDevicePath*)(memory + sizeof(BlockIo) + sizeof(BlockIoMedia));
        *media = default;
        media->MediaId = 1;
        media->MediaPresent = 1;
        media->WriteCaching = 1;
        media->BlockSize = disk.SectorBytes;
        media->LastBlock = disk.Sectors - 1;
        io->Revision = BlockIo.Revision1;
        io->Media = media;
        io->Reset = &Reset;
        io->ReadBlocks = &ReadBlocks;
        io->WriteBlocks = &WriteBlocks;
        io->FlushBlocks = &FlushBlocks;
        DevicePaths.Head(path, EfiDevicePath.HardwareType, EfiDevicePath.VendorSubtype, VendorNodeBytes);
        Unsafe.WriteUnaligned((byte*)path + DevicePaths.NodeHead, EfiGuid.HvDisk);
        DevicePaths.Head(DevicePaths.Next(path), EfiDevicePath.EndType, EfiDevicePath.EndEntireSubtype, DevicePaths.NodeHead);

        void* handle = null;
        EfiGuid pathGuid = EfiGuid.DevicePath, ioGuid = EfiGuid.BlockIo;
        ulong status = Firmware.Boot->InstallProtocolInterface(&handle, &pathGuid, 0, path);
        if (!EfiStatus.IsError(status))
            status = Firmware.Boot->InstallProtocolInterface(&handle, &ioGuid, 0, io);
        if (EfiStatus.IsError(status))
            return status;
        Handle = handle;
        Firmware.Boot->ConnectController(handle, null, null, 1);
        return EfiStatus.Success;
    }

    [UnmanagedCallersOnly]
    private static ulong Reset(BlockIo* self, byte extended) => EfiStatus.Success;

    [UnmanagedCallersOnly]
    private static ulong ReadBlocks(BlockIo* self, uint media, ulong sector, ulong bytes, void* buffer) =>
        Transfer(self, BlockCall.Read, sector, bytes, buffer);

    [UnmanagedCallersOnly]
    private static ulong WriteBlocks(BlockIo* self, uint media, ulong sector, ulong bytes, void* buffer) =>
        Transfer(self, BlockCall.Write, sector, bytes, buffer);

    [UnmanagedCallersOnly]
    private static ulong FlushBlocks(BlockIo* self) => Call(BlockCall.Flush, 0, 0, null);

    private static ulong Transfer(BlockIo* self, uint operation, ulong sector, ulong bytes, void* buffer)
    {
        uint blockSize = self->Media->BlockSize;
        if (bytes % blockSize != 0)
            return EfiStatus.BadBufferSize;
        return Call(operation, sector, bytes / blockSize, buffer);
    }

    private static ulong Call(uint operation, ulong sector, ulong count, void* buffer)
    {
        BlockCall call = default;
        call.Operation = operation;
        call.Sector = sector;
        call.Count = count;
        call.Buffer = (ulong)buffer;
        return HypercallGate.Call(Hypercall.Block, (ulong)&call) switch
        {
            (ulong)Kernel.Status.Ok => EfiStatus.Success,
            (ulong)Kernel.Status.InvalidArgument => EfiStatus.InvalidParameter,
            _ => EfiStatus.DeviceError,
        };
    }
}
