using System.Threading;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;

namespace Hv.Drivers.Iommu.AmdVi;

/// <summary>The device table (AMD I/O Virtualization 3.05, 2.2.2): what each of the 65536 requester IDs reaches.</summary>
public sealed unsafe class AmdViDeviceTable
{
    /// <summary>4 KiB pages of the table, in a row.</summary>
    public const uint Pages = 512;

    private const int Devices = 65536, WordsPerEntry = 4;
    private const ulong Valid = 1, TranslationValid = 2, FourLevels = 4ul << 9, MayRead = 1ul << 61, MayWrite = 1ul << 62;
    private const ulong GuestsDomain = 1, EverythingDomain = 2;
    // Interrupts pass as they would without a unit: system management messages, INIT, external, NMI and both local ones.
    private const ulong ManagementPasses = 1ul << 40, InterruptsPass = 7ul << 56 | 3ul << 62;

    private readonly ulong* _entries;
    private readonly ulong _guests;
    private readonly ulong _everything;

    /// <summary>
    /// A table in <see cref="Pages"/> pages at <paramref name="memory"/> in which every device has <see cref="DmaAccess.Guests"/>. The host page tables
    /// have four levels.
    /// </summary>
    public AmdViDeviceTable(byte* memory, HostPhysical guests, HostPhysical everything)
    {
        _entries = (ulong*)memory;
        _guests = guests.Value;
        _everything = everything.Value;
        for (int device = 0; device < Devices; device++)
        {
            ulong* entry = _entries + device * WordsPerEntry;
            entry[3] = 0;
            entry[2] = InterruptsPass;
            entry[1] = GuestsDomain | ManagementPasses;
            entry[0] = Low(DmaAccess.Guests);
        }
    }

    /// <summary>The table's address.</summary>
    public HostPhysical Address => new((ulong)_entries);

    /// <summary>Changes what a requester reaches; the units are invalidated by the caller, which lets no device use the entry that goes to or from everything.</summary>
    public void Set(PciAddress requester, DmaAccess access)
    {
        ulong* entry = _entries + requester.Value * WordsPerEntry;
        Volatile.Write(ref entry[0], Low(DmaAccess.Nothing));
        Volatile.Write(ref entry[1], (access == DmaAccess.Everything ? EverythingDomain : GuestsDomain) | ManagementPasses);
        Volatile.Write(ref entry[0], Low(access));
    }

    // An entry that is not valid lets everything pass, so nothing is a valid one that may neither read nor write.
    private ulong Low(DmaAccess access) => Valid | TranslationValid | FourLevels
        | (access == DmaAccess.Everything ? _everything : _guests) | (access == DmaAccess.Nothing ? 0 : MayRead | MayWrite);
}
