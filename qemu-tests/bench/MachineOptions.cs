namespace Hv.Bench;

/// <summary>What an emulated machine consists of.</summary>
public sealed class MachineOptions
{
    /// <summary>The folder for the run's logs, sockets and disks.</summary>
    public required string RunFolder { get; init; }

    /// <summary>The disk image with Hv on it, the first boot device; null starts the guest without Hv.</summary>
    public string? HvImage { get; init; }

    /// <summary>The guest's disk image (raw, written to); null leaves it out.</summary>
    public string? GuestDisk { get; init; }

    /// <summary>How the guest's disk is attached.</summary>
    public DiskBus Disk { get; init; } = DiskBus.Nvme;

    /// <summary>The chipset (QEMU).</summary>
    public Chipset Chipset { get; init; }

    /// <summary>The machine's memory in MiB; 0 takes the bench's usual size.</summary>
    public int MemoryMiB { get; init; }

    /// <summary>How many processors the machine has.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>The DMA remapping unit that the machine has (QEMU).</summary>
    public IommuKind Iommu { get; init; }

    /// <summary>Whether <see cref="QemuMachine.Bus"/> is there.</summary>
    public bool HasBusAccess { get; init; }

    /// <summary>More arguments for QEMU, or more lines for Bochs' configuration.</summary>
    public IReadOnlyList<string> Extra { get; init; } = [];
}
