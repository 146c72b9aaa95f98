namespace Hv.Bench;

/// <summary>
/// Why the log of a kernel (Linux 6.1) is another one under Hv. What is said here has been found in Hv's sources and the kernel's. Where nothing fits, the cause is to be found
/// first; a pattern fits the lines of its cause only.
/// </summary>
public static class KernelLogExplanations
{
    /// <summary>All explanations; of two that cover a difference the first one counts.</summary>
    public static IReadOnlyList<KernelLogExplanation> All { get; } =
    [
        // Memory.
        new("Hv's region, the pool and the page from which a processor wakes after a suspend are reserved memory (`boot/uefi/MemoryPlan.cs`): holes in what the OS may use.",
            @"^[-+] BIOS-e820: \[mem 0x\w+-0x\w+\] (usable|reserved)$", @"^[-+]   node   0: \[mem ", "^[-+] On node 0, zone DMA(32)?: [0-9]+ pages in unavailable ranges$",
            @"^[-+] PM: hibernation: Registered nosave memory: \[mem ", @"^[-+] e820: reserve RAM buffer \[mem "),
        new("The pool, a third of the free memory, is not the OS's: it has less memory, and sizes its tables by that.",
            "^[-+] Built 1 zonelists, mobility grouping on.  Total pages: [0-9]+$", "^[-+] Memory: N/[0-9]+K available", "^[-+] .* hash table entries: ", "^[-+] TCP: Hash tables configured ",
            "^[-+] DMA: preallocated [0-9]+ KiB ", "^[-+] workingset: timestamp_bits=[0-9]+ max_order=[0-9]+ "),
        new("GRUB (the initramfs) and the kernel (the bounce buffers) take memory from the upper end, where the pool is now: they get some below it.",
            @"^[-+] RAMDISK: \[mem ", @"^[-+] software IO TLB: mapped \[mem "),
        new("How much memory the firmware's boot services hold when the OS ends them. Hv's loader is a program more for which they allocate and free: it has drivers disconnected and connected " +
            "again, and announces the disk anew (`boot/uefi/PciDevices.cs`, `BootLoader.cs`). Which of it makes how much has not been traced.",
            "^[-+] efi: Freeing EFI boot services memory: [0-9]+K$"),

        // What the firmware's tables say.
        new("Hv tells both VMs by an EFI_RT_PROPERTIES_TABLE that there are no variable services (`boot/uefi/BootLoader.cs`), so the kernel offers none. The firmware's own MEMATTR table is in another place than without Hv, and always in that one; what moves it has not been traced.",
            "^[-+] efi: .* MEMATTR=0x[0-9a-f]+( RTPROP=0x[0-9a-f]+)?$", "^- Registered efivars operations$"),
        new("Hv adds an SSDT with the event by which the OS is told that its devices are back after a switch (`boot/uefi/HotAdd.cs`, `boot/acpi/HotAddTable.cs`).",
            @"^[-+] ACPI: XSDT ", @"^\+ ACPI: SSDT 0x\w+ \w+ \(v02 HV     HVHOTADD ", @"^\+ ACPI: Reserving SSDT table memory at ", "^[-+] ACPI: [12] ACPI AML tables successfully acquired and loaded$",
            "^[-+] ACPI: Enabled [0-9]+ GPEs in block 00 to "),
        new("With several processors Hv takes \\_S3 from the DSDT: it could not bring the others back after a suspend to RAM (`boot/MachineBuilder.cs`, FindSleepTypes).",
            @"^[-+] ACPI: PM: \(supports S0 (S3 )?S4 S5\)$"),

        // The disk.
        new("The disk's controller is Hv's virtual NVMe controller (vendor 4856h), at the place of the real one (`boot/BootCalls.cs`, ShowDisk). The kernel's quirk for QEMU's controller does not apply.",
            @"^[-+] pci 0000:\w\w:\w\w\.\w: \[(1b36:0010|8086:7010|4856:0001)\] type 00 class 0x(010802|010180)$", "^- nvme nvme0: Ignoring bogus Namespace Identifiers$"),
        new("The virtual controller has MSI-X only and no interrupt pin (`boot/BootCalls.cs`, ConnectIntx): no interrupt link has to be enabled for it.", @"^- ACPI: \\_SB_\.GSI\w: Enabled at IRQ [0-9]+$"),
        new("The firmware has not used the virtual controller, whose disk Hv announces itself (`boot/uefi/HvBlockIo.cs`): decoding of its registers is still off (`drivers/pci/VirtualPciFunction.cs`, Command).",
            @"^\+ nvme 0000:\w\w:\w\w\.\w: enabling device \(0000 -> 0002\)$"),
        new("The virtual controller stands at the place of the IDE function, with both of its channels, so the disk with Hv on it is not there either (`boot/BootCalls.cs`, HidePorts): no IDE ports, no " +
            "libata, an NVMe disk in place of SCSI disks.",
            @"^- pci 0000:00:01\.1: BAR [0-4] \[io ", "^- (libata version|ata_piix|scsi host|ata[12](\\.00)?:|scsi [01]:0:0:0:|sd [01]:0:0:0:| sd[ab]:)", @"^\+ nvme nvme0: (pci function 0000:00:01\.1|[0-9]+/0/0 default/read/poll queues)$",
            @"^\+  nvme0n1: p1 p2 p3 p4$", @"^[-+] EXT4-fs \((sdb|nvme0n1p)[24]\): "),
        new("The IDE function has no memory registers; those of the virtual controller are put where the firmware has put others (`boot/BootCalls.cs`, PlaceRegisters). On this machine that is outside the windows that ACPI " +
            "names, and the kernel moves them, as it does with the network card's.",
            @"^\+ pci 0000:00:01\.1: BAR 0 \[mem 0x\w+-0x\w+ 64bit\](: can't claim; no compatible bridge window|: assigned)?$"),

        // The processor.
        new("CPUID says that there is a hypervisor (leaf 1, ECX bit 31; `kernel/vm/GuestCpuid.cs`): the kernel trusts the TSC deadline timer whatever the microcode is, loads no microcode, says of performance counters that do not " +
            "count that it is for virtualization, and takes the processor for one that may be any other, with ITS, and with a GDS of which it knows nothing.",
            @"^- \[Firmware Bug\]: TSC_DEADLINE disabled due to Errata; ", @"^\+ TSC deadline timer available$", "^- GDS: Vulnerable: No microcode$", @"^\+ GDS: Unknown: Dependent on hypervisor status$",
            @"^\+ active return thunk: its_return_thunk$", @"^\+ ITS: Mitigation: Aligned branch/return thunks$",
            "^[-+] Performance Events: .*(Broken PMU hardware detected|PMU not available due to virtualization), using software events only.$", "^- Failed to access perfctr msr ",
            "^- microcode: (sig=|Microcode Update Driver)"),
    ];
}
