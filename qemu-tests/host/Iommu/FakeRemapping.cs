using System.Collections.Generic;
using Hv.Drivers.Control;
using Hv.Drivers.Iommu;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;

namespace Hv.HostTests;

/// <summary>Remembers what was asked of it.</summary>
public sealed class FakeRemapping : DmaRemapping
{
    public readonly Dictionary<ushort, DmaAccess> Access = [];
    public Status Answer = Status.Ok;
    public int Collections;

    public override RemappingState Kind => RemappingState.Vtd;

    public override int Units => 1;

    public override Status Set(PciAddress requester, DmaAccess access)
    {
        if (Answer == Status.Ok)
            Access[requester.Value] = access;
        return Answer;
    }

    public override Status Restart() => Answer;

    public override void CollectFaults() => Collections++;
}
