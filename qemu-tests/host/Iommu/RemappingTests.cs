using System.Linq;
using Hv.Drivers.Iommu;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Machine;
using Xunit;

namespace Hv.HostTests;

/// <summary>What both kinds of remapping units must do, on a machine with 5 GiB.</summary>
public abstract class RemappingTests
{
    protected const ulong GiB = 1ul << 30, MiB = 1 << 20, MemoryEnd = 5 * GiB, HvStart = GiB + 3 * MiB, HvBytes = 6 * MiB;

    protected static readonly PciAddress s_disk = new(0, 4, 0), s_card = new(2, 0, 0);

    protected RemappingTests()
    {
        var own = new HvMemory(MemoryEnd);
        Assert.Equal(Status.Ok, own.Add(new HostPhysical(HvStart), HvBytes));
        Map = new IdentityMap(own, new MtrrMap(0xC06, [], Enumerable.Repeat(0x0606_0606_0606_0606ul, 11).ToArray(), 40), 40);
    }

    protected IdentityMap Map { get; }

    protected static void CheckGuest(RemappingModel model, PciAddress device)
    {
        foreach (bool write in new[] { false, true })
        {
            foreach (ulong open in new ulong[] { 0, 0xFFF, HvStart - 1, HvStart + HvBytes, 3 * GiB, 4 * GiB - 1, MemoryEnd - 1 })
                Assert.True(model.Request(device, open, write));
            foreach (ulong closed in new ulong[] { HvStart, HvStart + HvBytes - 1, HvStart + 3 * MiB, 6 * GiB, 1ul << 45 })
                Assert.False(model.Request(device, closed, write));
        }
    }

    protected static void CheckAll(RemappingModel model, PciAddress device, bool reaches)
    {
        foreach (ulong address in new ulong[] { 0, HvStart, HvStart + HvBytes, MemoryEnd - 1 })
        {
            Assert.Equal(reaches, model.Request(device, address, write: true));
            Assert.Equal(reaches, model.Request(device, address, write: false));
        }
    }

    protected static void CheckComesBack(RemappingModel model, DmaRemapping remapping)
    {
        Assert.Equal(Status.Ok, remapping.Set(s_disk, DmaAccess.Everything));
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        model.LosePower();
        Assert.False(model.IsOn);
        Assert.Equal(Status.Ok, remapping.Restart());
        Assert.True(model.IsOn);
        CheckAll(model, s_disk, reaches: true);
        CheckAll(model, s_card, reaches: false);
        CheckGuest(model, new PciAddress(2, 0, 1));
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Guests));
        CheckGuest(model, s_card);

        model.LosePower();
        model.IgnoresCommands = true;
        Assert.Equal(Status.Timeout, remapping.Restart());
        Assert.False(model.IsOn);
    }
}
