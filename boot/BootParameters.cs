using System.Runtime.InteropServices;
using Hv.Drivers.Control;
using Hv.Kernel;
using Hv.Kernel.Processor;

namespace Hv.Boot;

/// <summary>What the loader hands to the hypervisor when it launches it. Lives in firmware memory; read once.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct BootParameters
{
    /// <summary>Most runs of memory the pool can have.</summary>
    public const int MaxPoolExtents = 8;

    /// <summary>The hypervisor's image copy, its base and size in bytes.</summary>
    public byte* Image;
    /// <summary>Bytes of the image.</summary>
    public ulong ImageBytes;
    /// <summary>All memory that is Hv's, the image copy first.</summary>
    public byte* Region;
    /// <summary>Bytes of it.</summary>
    public ulong RegionBytes;
    /// <summary>First free byte in the region (behind image and main stack).</summary>
    public byte* Free;
    /// <summary>The pages of each processor's <see cref="Kernel.Processor.HostDescriptors"/>, one after the other; the launch already runs on the first one's main stack.</summary>
    public byte* Descriptors;
    /// <summary>The end of physical memory: one past the highest byte that the firmware describes.</summary>
    public ulong MemoryEnd;
    /// <summary>TSC ticks per second.</summary>
    public ulong TscFrequency;
    /// <summary>TSC when Hv was entered.</summary>
    public ulong EntryTsc;
    /// <summary>Runs of the pool: host-physical start addresses.</summary>
    public fixed ulong PoolStart[MaxPoolExtents];
    /// <summary>Runs of the pool: 4 KiB pages.</summary>
    public fixed ulong PoolPages[MaxPoolExtents];
    /// <summary>How many runs there are.</summary>
    public int PoolExtents;
    /// <summary>A page of low memory for <see cref="Kernel.Processor.WakePage"/>; null if there is none.</summary>
    public byte* WakePage;
    /// <summary>ACPI root pointer (RSDP), or null.</summary>
    public byte* AcpiRoot;
    /// <summary>Filled in by the hypervisor: host-physical address of the firmware ACPI control structure, 0 if there is none.</summary>
    public ulong Facs;
    /// <summary>The frame buffer, host-physical, and its bytes; 0 if there is none.</summary>
    public ulong FrameBuffer;
    /// <summary>Bytes of the frame buffer.</summary>
    public ulong FrameBufferBytes;
    /// <summary>What the frame buffer's bytes mean.</summary>
    public ScreenMode Screen;
    /// <summary>How many processors there are to use; the hypervisor leaves those out that it cannot start.</summary>
    public int Processors;
    /// <summary>Their APIC IDs, the bootstrap processor's first.</summary>
    public fixed uint ApicIds[ProcessorGroup.Maximum];
    /// <summary>The hypervisor is to start the other processors, because the firmware offers no way to.</summary>
    public bool HasOwnStart;
    /// <summary>Filled in by the hypervisor: what lets further processors join, a <see cref="ProcessorStarter"/>.</summary>
    public nint Starter;
    /// <summary>Filled in by the hypervisor: how many processors it runs on.</summary>
    public int Joined;
    /// <summary>Size of Hv.efi's memory image as loaded.</summary>
    public ulong EfiImageBytes;
}
