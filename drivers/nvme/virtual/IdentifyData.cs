using System;
using System.Buffers.Binary;
using Hv.Drivers.Nvme.Spec;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>Writes the data structures of Identify (NVM Express 1.4, 5.15) into 4 KiB of zeroes.</summary>
internal static class IdentifyData
{
    private const byte EntrySizes = NvmeCommand.Shift | NvmeCommand.Shift << 4;
    private const byte CompletionSizes = NvmeCompletion.Shift | NvmeCompletion.Shift << 4;
    private const byte ExtendedLogData = 1 << 2;
    private const byte OneReadOnlyFirmwareSlot = 1 | 1 << 1;
    private const byte VendorCommandFormat = 1;
    private const int VendorCommandConfiguration = 264;
    private const byte FlushesAllNamespaces = 3 << 1;
    private const byte IoController = 1;
    private const byte WriteProtected = 1;

    private static ReadOnlySpan<byte> SubsystemPrefix => "nqn.2014-08.org.nvmexpress:uuid:"u8;

    private static ReadOnlySpan<byte> HexDigits => "0123456789abcdef"u8;

    /// <summary>CNS 01h. <paramref name="transferShift"/> is log2 of the longest transfer in 4 KiB units.</summary>
    public static void WriteController(Span<byte> to, NvmeIdentity identity, int transferShift, uint namespaces)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to.Slice(NvmeIdentify.VendorId), VirtualNvmeController.VendorId);
        BinaryPrimitives.WriteUInt16LittleEndian(to.Slice(NvmeIdentify.SubsystemVendorId), VirtualNvmeController.VendorId);
        identity.Serial.CopyTo(to.Slice(NvmeIdentify.SerialNumber));
        NvmeIdentity.Model.CopyTo(to.Slice(NvmeIdentify.ModelNumber));
        identity.Firmware.CopyTo(to.Slice(NvmeIdentify.FirmwareRevision));
        to[NvmeIdentify.MaximumDataTransfer] = (byte)transferShift;
        BinaryPrimitives.WriteUInt32LittleEndian(to.Slice(NvmeIdentify.ControllerVersion), NvmeRegisters.Version14);
        BinaryPrimitives.WriteUInt32LittleEndian(to.Slice(NvmeIdentify.OptionalAsyncEvents), NvmeIdentify.NamespaceAttributeNotices);
        to[NvmeIdentify.ControllerType] = IoController;
        to[NvmeIdentify.AbortLimit] = 3;
        to[NvmeIdentify.AsyncEventLimit] = AsyncEvents.Limit - 1;
        to[NvmeIdentify.FirmwareUpdates] = OneReadOnlyFirmwareSlot;
        to[NvmeIdentify.LogPageAttributes] = ExtendedLogData;
        to[NvmeIdentify.ErrorLogEntries] = LogPages.ErrorEntries - 1;
        to[VendorCommandConfiguration] = VendorCommandFormat;
        BinaryPrimitives.WriteUInt16LittleEndian(to.Slice(NvmeIdentify.WarningTemperature), LogPages.WarningKelvin);
        BinaryPrimitives.WriteUInt16LittleEndian(to.Slice(NvmeIdentify.CriticalTemperature), LogPages.CriticalKelvin);
        to[NvmeIdentify.SubmissionEntrySize] = EntrySizes;
        to[NvmeIdentify.CompletionEntrySize] = CompletionSizes;
        BinaryPrimitives.WriteUInt32LittleEndian(to.Slice(NvmeIdentify.NamespaceCount), namespaces);
        BinaryPrimitives.WriteUInt16LittleEndian(to.Slice(NvmeIdentify.OptionalNvmCommands),
            NvmeIdentify.SupportsDatasetManagement | NvmeIdentify.SupportsWriteZeroes);
        to[NvmeIdentify.VolatileWriteCache] = NvmeIdentify.HasVolatileWriteCache | FlushesAllNamespaces;
        WriteSubsystemName(to.Slice(NvmeIdentify.SubsystemName), identity.Guid);
    }

    /// <summary>CNS 00h.</summary>
    public static void WriteNamespace(Span<byte> to, VirtualNamespace ns)
    {
        ulong sectors = ns.Device!.SectorCount;
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(NvmeIdentify.NamespaceSize), sectors);
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(NvmeIdentify.NamespaceCapacity), sectors);
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(NvmeIdentify.NamespaceUtilization), sectors);
        if (ns.IsReadOnly)
            to[NvmeIdentify.NamespaceAttributes] = WriteProtected;
        ns.Guid.CopyTo(to.Slice(NvmeIdentify.NamespaceGuid));
        to[NvmeIdentify.LbaFormat0 + 2] = (byte)ns.SectorShift;
    }

    /// <summary>CNS 03h.</summary>
    public static void WriteDescriptors(Span<byte> to, VirtualNamespace ns)
    {
        to[0] = NvmeIdentify.DescriptorGuid;
        to[1] = VirtualNamespace.GuidBytes;
        ns.Guid.CopyTo(to.Slice(4));
    }

    /// <summary>The form of 7.9 for a subsystem that is named by a UUID.</summary>
    private static void WriteSubsystemName(Span<byte> to, ReadOnlySpan<byte> guid)
    {
        SubsystemPrefix.CopyTo(to);
        int at = SubsystemPrefix.Length;
        for (int i = 0; i < guid.Length; i++)
        {
            if (i is 4 or 6 or 8 or 10)
                to[at++] = (byte)'-';
            to[at++] = HexDigits[guid[i] >> 4];
            to[at++] = HexDigits[guid[i] & 0xF];
        }
    }
}
