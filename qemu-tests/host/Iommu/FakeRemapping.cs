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

    private readonly FakeUnit _unit;

    public FakeRemapping()
        : this(new FakeUnit())
    {
    }

    private FakeRemapping(FakeUnit unit)
        : base([unit]) => _unit = unit;

    public int Collections => _unit.Collections;

    public override RemappingState Kind => RemappingState.Vtd;

    protected override Status Change(PciAddress requester, DmaAccess access)
    {
        if (Answer == Status.Ok)
            Access[requester.Value] = access;
        return Answer;
    }

    private sealed class FakeUnit : RemappingUnit
    {
        public int Collections;

        public override Status Restart() => Status.Ok;

        public override void Disable()
        {
        }

        public override Status Invalidate() => Status.Ok;

        public override bool TryTakeFault(out DmaFault fault)
        {
            Collections++;
            fault = default;
            return false;
        }
    }
}
