namespace Hv.Drivers.Nvme.Spec;

/// <summary>Controller registers: byte offsets in BAR0 and their fields (NVM Express 1.4, section 3.1).</summary>
public static class NvmeRegisters
{
    /// <summary>CAP, 8 bytes: controller capabilities (3.1.1).</summary>
    public const uint Capabilities = 0x00;
    /// <summary>VS: version (3.1.2).</summary>
    public const uint Version = 0x08;
    /// <summary>INTMS: interrupt mask set (3.1.3).</summary>
    public const uint InterruptMaskSet = 0x0C;
    /// <summary>INTMC: interrupt mask clear (3.1.4).</summary>
    public const uint InterruptMaskClear = 0x10;
    /// <summary>CC: controller configuration (3.1.5).</summary>
    public const uint Configuration = 0x14;
    /// <summary>CSTS: controller status (3.1.6).</summary>
    public const uint ControllerStatus = 0x1C;
    /// <summary>NSSR: NVM subsystem reset (3.1.7).</summary>
    public const uint SubsystemReset = 0x20;
    /// <summary>AQA: admin queue attributes (3.1.8).</summary>
    public const uint AdminQueueAttributes = 0x24;
    /// <summary>ASQ, 8 bytes: admin submission queue base address (3.1.9).</summary>
    public const uint AdminSubmissionQueue = 0x28;
    /// <summary>ACQ, 8 bytes: admin completion queue base address (3.1.10).</summary>
    public const uint AdminCompletionQueue = 0x30;
    /// <summary>The first doorbell: submission queue 0's tail; then completion queue 0's head, and so on (3.1.24, 3.1.25).</summary>
    public const uint Doorbells = 0x1000;

    /// <summary>CAP.MQES, bits 15:0: entries that a queue may have, 0's based.</summary>
    public const int CapMaximumQueueEntriesShift = 0;
    /// <summary>CAP.CQR: queues must be physically contiguous.</summary>
    public const ulong CapContiguousQueuesRequired = 1ul << 16;
    /// <summary>CAP.TO, bits 31:24: the longest time for CSTS.RDY to follow CC.EN, in units of 500 ms.</summary>
    public const int CapTimeoutShift = 24;
    /// <summary>CAP.DSTRD, bits 35:32: doorbells are 4 &lt;&lt; DSTRD bytes apart.</summary>
    public const int CapDoorbellStrideShift = 32;
    /// <summary>CAP.CSS, bits 44:37: bit 0 of it is the NVM command set.</summary>
    public const int CapCommandSetsShift = 37;
    /// <summary>CAP.CSS bit 0: the NVM command set.</summary>
    public const ulong CapNvmCommandSet = 1ul << CapCommandSetsShift;
    /// <summary>CAP.MPSMIN, bits 51:48: the smallest host page is 4 KiB &lt;&lt; MPSMIN.</summary>
    public const int CapMinimumPageShift = 48;
    /// <summary>CAP.MPSMAX, bits 55:52: the largest host page is 4 KiB &lt;&lt; MPSMAX.</summary>
    public const int CapMaximumPageShift = 52;

    /// <summary>VS of a controller that follows 1.4.0.</summary>
    public const uint Version14 = 0x0001_0400;

    /// <summary>CC.EN: enable.</summary>
    public const uint ConfigEnable = 1u << 0;
    /// <summary>CC.CSS, bits 6:4: the command set; 0 is NVM.</summary>
    public const int ConfigCommandSetShift = 4;
    /// <summary>CC.MPS, bits 10:7: host page size, 4 KiB &lt;&lt; MPS.</summary>
    public const int ConfigPageSizeShift = 7;
    /// <summary>CC.AMS, bits 13:11: arbitration; 0 is round robin.</summary>
    public const int ConfigArbitrationShift = 11;
    /// <summary>CC.SHN, bits 15:14: shutdown notification.</summary>
    public const uint ConfigShutdownMask = 3u << 14;
    /// <summary>CC.SHN = 1: normal shutdown.</summary>
    public const uint ConfigShutdownNormal = 1u << 14;
    /// <summary>CC.SHN = 2: abrupt shutdown.</summary>
    public const uint ConfigShutdownAbrupt = 2u << 14;
    /// <summary>CC.IOSQES, bits 19:16: log2 of the I/O submission queue entry's size.</summary>
    public const int ConfigSubmissionEntryShift = 16;
    /// <summary>CC.IOCQES, bits 23:20: log2 of the I/O completion queue entry's size.</summary>
    public const int ConfigCompletionEntryShift = 20;
    /// <summary>The bits of CC that 1.4 defines.</summary>
    public const uint ConfigDefinedBits = 0x00FF_FFF1;

    /// <summary>CSTS.RDY: commands are processed.</summary>
    public const uint StatusReady = 1u << 0;
    /// <summary>CSTS.CFS: controller fatal status.</summary>
    public const uint StatusFatal = 1u << 1;
    /// <summary>CSTS.SHST, bits 3:2: shutdown status.</summary>
    public const uint StatusShutdownMask = 3u << 2;
    /// <summary>CSTS.SHST = 1: shutdown under way.</summary>
    public const uint StatusShutdownOccurring = 1u << 2;
    /// <summary>CSTS.SHST = 2: shutdown complete.</summary>
    public const uint StatusShutdownComplete = 2u << 2;

    /// <summary>AQA.ASQS, bits 11:0: admin submission queue entries, 0's based.</summary>
    public const int AdminSubmissionSizeShift = 0;
    /// <summary>AQA.ACQS, bits 27:16: admin completion queue entries, 0's based.</summary>
    public const int AdminCompletionSizeShift = 16;
    /// <summary>The width of either field of AQA, unshifted.</summary>
    public const uint AdminSizeMask = 0xFFF;
}
