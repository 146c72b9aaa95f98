using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Iommu;

/// <summary>A device's request that a remapping unit has refused.</summary>
public struct DmaFault
{
    /// <summary>Whose request it was.</summary>
    public PciAddress Requester;
    /// <summary>Why, as the unit says it: the fault reason of VT-d, the event code of AMD-Vi.</summary>
    public byte Reason;
    /// <summary>It would have written.</summary>
    public bool IsWrite;
    /// <summary>The address; of VT-d, its 4 KiB page.</summary>
    public ulong Address;
}
