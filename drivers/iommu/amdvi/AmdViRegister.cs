namespace Hv.Drivers.Iommu.AmdVi;

/// <summary>Registers of an AMD-Vi unit (AMD I/O Virtualization 3.05, 3.4), offsets in bytes, and their bits.</summary>
public static class AmdViRegister
{
    /// <summary>Bytes of registers; performance counters, if any, lie above.</summary>
    public const ulong Bytes = 0x4000;

    /// <summary>Device table: address, and its length in 4 KiB, less one, in bits 8:0.</summary>
    public const ulong DeviceTable = 0x00;
    /// <summary>Command buffer and event log: address, and log2 of the number of their entries of 16 bytes in bits 59:56.</summary>
    public const ulong CommandBuffer = 0x08, EventLog = 0x10;
    /// <summary>CommandBuffer, EventLog: 256 entries, a page.</summary>
    public const ulong Entries256 = 8ul << 56;

    /// <summary>Control.</summary>
    public const ulong Control = 0x18;
    /// <summary>Control: the unit is on; the event log; the command buffer.</summary>
    public const ulong Enabled = 1ul << 0, EventLogEnabled = 1ul << 2, CommandsEnabled = 1ul << 12;
    /// <summary>Control: HyperTransport tunnel; posted writes may pass; responses may pass; isochronous: as the firmware says.</summary>
    public const ulong Tunnel = 1ul << 1, PassPosted = 1ul << 8, ResponsePassPosted = 1ul << 9, Isochronous = 1ul << 11;
    /// <summary>Control: reads of tables see the processor's caches.</summary>
    public const ulong Coherent = 1ul << 10;

    /// <summary>Extended features.</summary>
    public const ulong ExtendedFeatures = 0x30;
    /// <summary>ExtendedFeatures: there is a command that invalidates everything.</summary>
    public const ulong InvalidatesAll = 1ul << 6;

    /// <summary>Commands: the next one for the unit, the first free place, in bytes.</summary>
    public const ulong CommandHead = 0x2000, CommandTail = 0x2008;
    /// <summary>Events: the next one for the processor, the first free place, in bytes.</summary>
    public const ulong EventHead = 0x2010, EventTail = 0x2018;
    /// <summary>EventHead, EventTail: the bits of a place in 256 entries.</summary>
    public const ulong PlaceMask = 0xFF0;

    /// <summary>Status; bits are cleared by writing one.</summary>
    public const ulong Status = 0x2020;
    /// <summary>Status: events were lost, and the log has stopped.</summary>
    public const ulong EventOverflow = 1ul << 0;
    /// <summary>Status: the event log runs.</summary>
    public const ulong EventLogRuns = 1ul << 3;

    /// <summary>Commands: where the operation code is.</summary>
    public const int OperationShift = 60;
    /// <summary>Commands: wait for those before, and write the high half to the address in the low half (2.4.1); invalidate everything (2.4.8).</summary>
    public const ulong CompletionWait = 1, InvalidateAll = 8;
    /// <summary>CompletionWait: write.</summary>
    public const ulong CompletionStore = 1;

    /// <summary>Events: device in bits 15:0; it was a write (of a page fault, 2.5.3); code in bits 63:60; the address is the high half.</summary>
    public const ulong EventIsWrite = 1ul << 53;
    /// <summary>Events: where the code is.</summary>
    public const int EventCodeShift = 60;

    /// <summary>IVRS, flags of a unit (5.2.2.1): what <see cref="Control"/> is to have.</summary>
    public const byte FlagTunnel = 1 << 0, FlagPassPosted = 1 << 1, FlagResponsePassPosted = 1 << 2, FlagIsochronous = 1 << 3;
}
