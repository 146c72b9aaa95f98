namespace Hv.Bench;

/// <summary>The devices of QEMU 7.2 that the bench plugs in.</summary>
public static class DeviceModels
{
    /// <summary>Bytes of each disk image.</summary>
    public const int ImageBytes = 8 << 20;

    /// <summary>The kind of use that QEMU itself observes: memory given away and taken back.</summary>
    public const string BalloonKind = "balloon";

    /// <summary>The kind of use of a device with a disk, whose contents the bench knows.</summary>
    public const string BlockKind = "block";

    private const string Drive = "if=none,id=d{n},format=raw,cache=unsafe,file={image}";

    private const string Port = "file,id=c{n},path={port}";

    /// <summary>All of them; one machine takes them all but for the screens, of which it takes one.</summary>
    public static IReadOnlyList<DeviceModel> All { get; } =
    [
        Card("e1000", "e1000"),
        Card("e1000-82545em", "e1000") with { Place = DevicePlace.Bridge },
        Card("e1000e", "e1000e") with { Place = DevicePlace.Port },
        Card("rtl8139", "8139cp"),
        Card("ne2k_pci", "ne2k-pci") with { Place = DevicePlace.Bridge },
        Card("pcnet", "pcnet32") with { Place = DevicePlace.Bridge },
        Card("tulip", "tulip") with { Place = DevicePlace.Bridge },
        Card("e1000-82544gc", "e1000") with { Place = DevicePlace.Bridge },
        Card("i82559er", "e100"),
        Card("i82550", "e100") with { Place = DevicePlace.Bridge },
        Card("vmxnet3", "vmxnet3"),
        Card("virtio-net-pci", "virtio-pci"),
        Card("virtio-net-pci-non-transitional", "virtio-pci") with { Place = DevicePlace.Port },

        Usb("nec-usb-xhci", "xhci_hcd"),
        Usb("qemu-xhci", "xhci_hcd") with { Place = DevicePlace.Port },
        Usb("usb-ehci", "ehci-pci"),
        Usb("ich9-usb-ehci1", "ehci-pci") with { Place = DevicePlace.Bridge },
        Usb("ich9-usb-uhci1", "uhci_hcd"),
        Usb("piix3-usb-uhci", "uhci_hcd") with { Place = DevicePlace.Bridge },
        Usb("pci-ohci", "ohci-pci"),

        Sound("intel-hda", "snd_hda_intel") with { Attached = ["-device", "hda-duplex,bus={id}.0,audiodev=none"] },
        Sound("ich9-intel-hda", "snd_hda_intel") with { Place = DevicePlace.Bridge, Attached = ["-device", "hda-output,bus={id}.0,audiodev=none"] },
        Sound("AC97", "snd_intel8x0") with { Properties = "audiodev=none" },
        Sound("ES1370", "snd_ens1370") with { Place = DevicePlace.Bridge, Properties = "audiodev=none" },

        Disk("ich9-ahci", "ahci", "ide-hd"),
        Disk("piix3-ide", "ata_piix", "ide-hd") with { Place = DevicePlace.Bridge },
        Disk("lsi53c895a", "sym53c8xx", "scsi-hd"),
        Disk("am53c974", "am53c974", "scsi-hd") with { Place = DevicePlace.Bridge },
        Disk("megasas", "megaraid_sas", "scsi-hd"),
        Disk("megasas-gen2", "megaraid_sas", "scsi-hd") with { Place = DevicePlace.Port },
        Disk("mptsas1068", "mptsas", "scsi-hd"),
        Disk("pvscsi", "vmw_pvscsi", "scsi-hd"),
        Disk("virtio-scsi-pci", "virtio-pci", "scsi-hd"),
        Disk("sdhci-pci", "sdhci-pci", "sd-card") with { Attached = ["-drive", Drive, "-device", "sd-card,bus=sd-bus,drive=d{n}"] },
        new("nvme", BlockKind, "nvme") { Place = DevicePlace.Port, Before = ["-drive", Drive], Properties = "drive=d{n},serial=second" },
        new("nvme (SR-IOV)", "sriov", "nvme")
        {
            Device = "nvme", Place = DevicePlace.Port, Before = ["-drive", Drive, "-device", "nvme-subsys,id=s{n},nqn=s{n}"],
            Properties = "serial=third,subsys=s{n},sriov_max_vfs=2,sriov_vq_flexible=4,sriov_vi_flexible=2", Attached = ["-device", "nvme-ns,bus={id},drive=d{n}"],
        },
        new("virtio-blk-pci", BlockKind, "virtio-pci") { Before = ["-drive", Drive], Properties = "drive=d{n}" },

        new("bochs-display", "display", "bochs-drm"),
        new("secondary-vga", "display", "bochs-drm") { Place = DevicePlace.Bridge },
        new("virtio-gpu-pci", "display", "virtio-pci"),
        new("qxl", "display", "qxl"),
        new("VGA", "display", "bochs-drm") { IsScreen = true },
        new("cirrus-vga", "display", "cirrus") { IsScreen = true },
        new("virtio-vga", "display", "virtio-pci") { IsScreen = true },
        new("qxl-vga", "display", "qxl") { IsScreen = true },
        new("vmware-svga", "display", "vmwgfx") { IsScreen = true },

        new("virtio-rng-pci", "random", "virtio-pci") { Place = DevicePlace.Bridge },
        new("virtio-balloon-pci", BalloonKind, "virtio-pci") { Place = DevicePlace.Bridge },
        new("virtio-serial-pci", "port", "virtio-pci")
        {
            Place = DevicePlace.Bridge, Before = ["-chardev", Port], Attached = ["-device", "virtserialport,bus={id}.0,chardev=c{n}"],
        },
        new("pci-serial", "port", "serial") { Place = DevicePlace.Bridge, Before = ["-chardev", Port], Properties = "chardev=c{n}" },
        new("virtio-keyboard-pci", "input", "virtio-pci") { Place = DevicePlace.Bridge },
        new("virtio-tablet-pci", "input", "virtio-pci") { Place = DevicePlace.Bridge },
        new("virtio-mouse-pci", "input", "virtio-pci") { Place = DevicePlace.Bridge },
        new("i6300esb", "watchdog", "i6300ESB timer") { Place = DevicePlace.Bridge },
        new("edu", "edu", ""),
        new("pvpanic-pci", "", "pvpanic-pci"),
        new("pci-testdev", "", "") { Place = DevicePlace.Bridge },
    ];

    private static DeviceModel Card(string name, string driver) => new(name, "net", driver)
    {
        Before = ["-netdev", "user,id=n{n},net=10.0.{n}.0/24,restrict=on"],
        Properties = "netdev=n{n},romfile=",
    };

    private static DeviceModel Usb(string name, string driver) => new(name, BlockKind, driver)
    {
        Attached = ["-drive", Drive, "-device", "usb-storage,bus={id}.0,drive=d{n}"],
    };

    private static DeviceModel Sound(string name, string driver) => new(name, "sound", driver);

    private static DeviceModel Disk(string name, string driver, string disk) => new(name, BlockKind, driver)
    {
        Attached = ["-drive", Drive, "-device", $"{disk},bus={{id}}.0,drive=d{{n}}"],
    };
}
