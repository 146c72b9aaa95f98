namespace Hv.Drivers.Iommu.Vtd;

/// <summary>Registers of a VT-d unit (Intel VT-d 3.3, 11.4), offsets in bytes, and their bits.</summary>
public static class VtdRegister
{
    /// <summary>Capabilities, 64 bits (11.4.2).</summary>
    public const ulong Capability = 0x08;
    /// <summary>Capability: write buffers must be flushed.</summary>
    public const ulong CapWriteBufferFlush = 1ul << 4;
    /// <summary>Capability: address widths of 39 and of 48 bits, that is, three and four levels (SAGAW).</summary>
    public const ulong Cap39Bits = 1ul << 9, Cap48Bits = 1ul << 10;
    /// <summary>Capability: widest address, less one (MGAW, 6 bits).</summary>
    public const int CapWidthShift = 16;
    /// <summary>Capability: mask of <see cref="CapWidthShift"/>.</summary>
    public const ulong CapWidthMask = 0x3F;
    /// <summary>Capability: where the fault recording registers are, in 16 bytes (FRO, 10 bits).</summary>
    public const int CapFaultOffsetShift = 24;
    /// <summary>Capability, extended capability: mask of an offset in 16 bytes.</summary>
    public const ulong OffsetMask = 0x3FF;
    /// <summary>Capability: pages of 2 MiB and of 1 GiB (SLLPS).</summary>
    public const ulong CapLargePages = 1ul << 34, CapHugePages = 1ul << 35;
    /// <summary>Capability: how many fault recording registers there are, less one (NFR, 8 bits).</summary>
    public const int CapFaultCountShift = 40;

    /// <summary>Extended capabilities, 64 bits (11.4.3).</summary>
    public const ulong ExtendedCapability = 0x10;
    /// <summary>ExtendedCapability: reads of tables see the processor's caches.</summary>
    public const ulong EcapCoherent = 1ul << 0;
    /// <summary>ExtendedCapability: queued invalidation.</summary>
    public const ulong EcapQueue = 1ul << 1;
    /// <summary>ExtendedCapability: where the IOTLB registers are, in 16 bytes (IRO, 10 bits).</summary>
    public const int EcapIotlbOffsetShift = 8;

    /// <summary>Global command and its status, 32 bits (11.4.4): the bits that stay and those that are done once.</summary>
    public const ulong GlobalCommand = 0x18, GlobalStatus = 0x1C;
    /// <summary>GlobalCommand: translation on.</summary>
    public const uint Translation = 1u << 31;
    /// <summary>GlobalCommand: take the root table's address.</summary>
    public const uint SetRoot = 1u << 30;
    /// <summary>GlobalCommand: flush the write buffer.</summary>
    public const uint WriteBufferFlush = 1u << 27;
    /// <summary>GlobalCommand: queued invalidation on.</summary>
    public const uint QueuedInvalidation = 1u << 26;
    /// <summary>GlobalCommand: interrupt remapping on.</summary>
    public const uint InterruptRemapping = 1u << 25;
    /// <summary>GlobalStatus: what a command must repeat: translation, advanced fault log, queue, interrupt remapping, compatible interrupts.</summary>
    public const uint StayingBits = 0x9680_0000;

    /// <summary>Root table address, 64 bits (11.4.5).</summary>
    public const ulong RootTable = 0x20;

    /// <summary>Context command, 64 bits (11.4.6.1).</summary>
    public const ulong ContextCommand = 0x28;
    /// <summary>ContextCommand: invalidate, all of it.</summary>
    public const ulong ContextInvalidateAll = 1ul << 63 | 1ul << 61;

    /// <summary>Fault status, 32 bits (11.4.7.1).</summary>
    public const ulong FaultStatus = 0x34;
    /// <summary>FaultStatus: faults were lost; the queue has an error. Cleared by writing one.</summary>
    public const uint FaultOverflow = 1 << 0, QueueError = 1 << 4;
    /// <summary>FaultStatus: there are faults.</summary>
    public const uint FaultPending = 1 << 1;
    /// <summary>FaultStatus: the oldest fault's register, 8 bits.</summary>
    public const int FaultIndexShift = 8;
    /// <summary>Fault event control, 32 bits (11.4.7.2).</summary>
    public const ulong FaultControl = 0x38;
    /// <summary>FaultControl: no interrupts.</summary>
    public const uint FaultMasked = 1u << 31;

    /// <summary>Fault recording register, 128 bits, high half (11.4.7.6): source in bits 15:0, reason in bits 39:32.</summary>
    public const ulong FaultHigh = 8, FaultTop = 12;
    /// <summary>High half: there is a fault, cleared by writing one; it was a read.</summary>
    public const ulong FaultPresent = 1ul << 63, FaultIsRead = 1ul << 62;
    /// <summary>High half: the reason.</summary>
    public const int FaultReasonShift = 32;

    /// <summary>Protected memory enable, 32 bits (11.4.8.1).</summary>
    public const ulong ProtectedMemory = 0x64;
    /// <summary>ProtectedMemory: on; regions are protected now.</summary>
    public const uint ProtectedEnable = 1u << 31, ProtectedStatus = 1u << 0;

    /// <summary>Invalidation queue: head, tail and address, 64 bits (11.4.9.1 to 11.4.9.3). An address without low bits means 256 descriptors of 128 bits.</summary>
    public const ulong QueueHead = 0x80, QueueTail = 0x88, QueueAddress = 0x90;

    /// <summary>IOTLB invalidate, 64 bits (11.4.6.2), from the IOTLB registers on.</summary>
    public const ulong IotlbInvalidate = 8;
    /// <summary>IotlbInvalidate: invalidate, all of it, reads and writes drained.</summary>
    public const ulong IotlbInvalidateAll = 1ul << 63 | 1ul << 60 | 1ul << 49 | 1ul << 48;
    /// <summary>ContextCommand, IotlbInvalidate: not finished.</summary>
    public const ulong Invalidating = 1ul << 63;

    /// <summary>Descriptor: invalidate all of the context cache (6.5.2.1).</summary>
    public const ulong DescriptorContext = 1 | 1 << 4;
    /// <summary>Descriptor: invalidate all of the IOTLB, reads and writes drained (6.5.2.3).</summary>
    public const ulong DescriptorIotlb = 2 | 1 << 4 | 1 << 6 | 1 << 7;
    /// <summary>Descriptor: wait for those before, then write bits 63:32 to the address in the high half (6.5.2.8).</summary>
    public const ulong DescriptorWait = 5 | 1 << 5 | 1 << 6;
    /// <summary>Descriptor of waiting: what is written.</summary>
    public const int WaitDataShift = 32;
}
