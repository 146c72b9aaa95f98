namespace Hv.Boot;

/// <summary>
/// The calls that Hv's loader, which goes on as the guest, makes while the firmware's boot services exist. Afterwards VMCALL and
/// VMMCALL are undefined instructions for the guest. Number in RAX, arguments in RDX, R8, R9, result in RAX.
/// </summary>
public static class Hypercall
{
    /// <summary>Takes over the disk that <see cref="DiskSelection"/> (by address) names; fills in its geometry. Result: a Status.</summary>
    public const ulong TakeDisk = 0x4876_0001;
    /// <summary>Takes the boot snapshot; arguments: memory map, its bytes, bytes per descriptor. Result: 0 when taken, <see cref="SnapshotRestored"/> in a shadow that starts from it, else a Status.</summary>
    public const ulong Snapshot = 0x4876_0002;
    /// <summary>Result of <see cref="Snapshot"/> in a shadow.</summary>
    public const ulong SnapshotRestored = 0x1_0000;
    /// <summary>Block I/O: argument is the address of a <see cref="BlockCall"/>. Result: a Status.</summary>
    public const ulong Block = 0x4876_0003;
    /// <summary>
    /// The general purpose event of block 0 that tells the OS of its devices after a switch: its number. From now on the event is Hv's alone. Once, before
    /// <see cref="Snapshot"/>. Result: a Status.
    /// </summary>
    public const ulong UseEvent = 0x4876_0005;
    /// <summary>The OS has called ExitBootServices: no more hypercalls.</summary>
    public const ulong EndOfBoot = 0x4876_0004;
}
