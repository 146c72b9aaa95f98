using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Devices of every class are used before and after a switch, in one machine. docs/devices.md shows a run with all that QEMU has.</summary>
[Collection(Collections.Qemu)]
public sealed class DeviceTests(ITestOutputHelper output)
{
    private static readonly string[] Chosen =
    [
        "e1000-82545em", "usb-ehci", "intel-hda", "virtio-scsi-pci", "sdhci-pci", "nvme (SR-IOV)", "bochs-display", "virtio-rng-pci", "pci-serial", "virtio-keyboard-pci", "i6300esb", "edu",
    ];

    [Fact]
    public void Devices_of_every_class_work_after_a_switch_and_have_their_addresses()
    {
        DeviceModel[] models = [.. DeviceModels.All.Where(model => Chosen.Contains(model.Name))];
        Assert.Equal(Chosen.Length, models.Length);
        DeviceBench bench = new(models, 1, DeviceBench.Cold, Paths.Efi, new StepDisplay());
        bench.Run();
        output.WriteLine(DeviceTable.Write(bench, ""));
        Assert.Null(bench.Failure);
        Assert.All(bench.Devices, device =>
        {
            Assert.Null(device.Problem(device.Before));
            DeviceState? after = Assert.Single(device.After);
            Assert.Null(device.Problem(after));
            Assert.Equal(device.Before!.Bars, after!.Bars);
            Assert.Equal(device.Before.Uses.Where(use => use.Kind == "net").Select(use => use.Facts), after.Uses.Where(use => use.Kind == "net").Select(use => use.Facts));
            Assert.True(device.Quiet is { IsQuiet: true }, $"{device.Model.Name} was not quiet.");
        });
    }
}
