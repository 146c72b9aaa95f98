using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>
/// Plugs devices into one machine, uses each of them in the normally booted guest, hides reboots, and uses each again: its driver, its
/// data, its addresses must be as before.
/// </summary>
public sealed class DeviceBench(IReadOnlyList<DeviceModel> models, int switches, string command, string efi, StepDisplay display)
{
    private static readonly TimeSpan Boot = TimeSpan.FromMinutes(4), Command = TimeSpan.FromMinutes(3), Reboot = TimeSpan.FromMinutes(8), Appearing = TimeSpan.FromSeconds(40);

    private const int QuietSeconds = 5;

    // Multi-function slots of the root bus: the root ports, and the bridge to the conventional bus.
    private const string PortSlot = "1c", BridgeSlot = "1d", ConventionalBus = "conventional";

    private readonly List<PluggedDevice> devices = [];
    private DeviceObserver observer = null!;

    /// <summary>How a reboot is hidden: by a copy of the running system that reboots, or by a system that starts afresh.</summary>
    public const string Fork = "shadowctl reboot", Cold = Fork + " --cold";

    /// <summary>The devices with what was found out; complete after <see cref="Run"/>.</summary>
    public IReadOnlyList<PluggedDevice> Devices => devices;

    /// <summary>How many switches were made.</summary>
    public int Switches { get; private set; }

    /// <summary>What ended the run early; null if it came to its end.</summary>
    public string? Failure { get; private set; }

    /// <summary>Does it all. What goes wrong is in <see cref="Failure"/> and in the devices.</summary>
    public void Run(CancellationToken cancel = default)
    {
        try
        {
            RunMachine(cancel);
        }
        catch (BenchException e)
        {
            Failure = e.Message;
        }
    }

    private void RunMachine(CancellationToken cancel)
    {
        string run = Paths.NewRun("devices");
        string disk = Path.Combine(run, "guest.img"), hv = Path.Combine(run, "hv.img");
        display.Run("Preparing the disks", () =>
        {
            GuestImage.Get(GuestKind.Small, line => display.Detail = line).CopyTo(disk);
            HvImage.Create(efi, hv);
            for (int i = 0; i < models.Count; i++)
                devices.Add(new PluggedDevice(models[i], i, run));
            devices.ForEach(device => device.Prepare());
        });
        using Emulator emulator = Emulator.Create(BenchKind.QemuSvm, new MachineOptions { RunFolder = run, HvImage = hv, GuestDisk = disk, Extra = [.. Arguments()] });
        Guest guest = new SmallGuest(emulator);
        try
        {
            display.Run($"Starting a machine with {devices.Count} devices", () =>
            {
                emulator.Start(line => display.Detail = line.Text);
                guest.WaitUntilUp(Boot, cancel);
                // Not before: the firmware numbers the buses.
                FindAddresses(((QemuMachine)emulator).Qmp);
                observer = new DeviceObserver(((QemuMachine)emulator).Qmp, devices, run);
                guest.LogIn(Command, cancel);
                guest.Run("ln -s /sbin/load-drivers /etc/rc.d/load-drivers; load-drivers; sync", Command, cancel);
            });
            display.Run("Using the devices", () =>
            {
                Settle(guest, cancel);
                Look(guest, (device, state) => device.Before = state, cancel);
            });
            for (int i = 1; i <= switches; i++)
                SwitchAndLook(guest, i, cancel);
            display.Run("Shutting down", () =>
            {
                guest.Begin("poweroff");
                if (!emulator.WaitForExit(Command))
                    throw emulator.Console.Failure("The machine does not turn itself off.");
            });
        }
        catch (BenchException e)
        {
            throw emulator.Explain(e);
        }
    }

    private void SwitchAndLook(Guest guest, int number, CancellationToken cancel)
    {
        bool looks = number == 1 || number == switches;
        display.Run($"Hiding reboot {number} of {switches}", () =>
        {
            guest.WaitUntilIdle(Command, cancel);
            guest.StartHeartbeat(Command, cancel);
            Downtime downtime = new DowntimeProbe(guest).MeasureShadow(command, Reboot, cancel);
            guest.LogIn(Command, cancel);
            if (downtime.Network is null)
                throw guest.Emulator.Console.Failure("The network does not answer after the switch.");
            Switches = number;
        });
        if (!looks)
            return;
        display.Run("Using the devices", () =>
        {
            Settle(guest, cancel);
            Look(guest, (device, state) => device.After.Add(state), cancel);
            IReadOnlyList<DeviceQuiet> quiet = DeviceQuiet.Read(guest.ReadStatus(Command, cancel));
            devices.ForEach(device => device.Quiet = quiet.FirstOrDefault(record => device.Address.EndsWith(":" + record.Address, StringComparison.Ordinal)));
        });
    }

    // Disks on USB appear seconds after their controllers: waits until all PCI devices are there and nothing has been added for a while.
    private void Settle(Guest guest, CancellationToken cancel) => guest.Run(
        $"end=$(($(cut -d. -f1 /proc/uptime) + {Appearing.TotalSeconds:F0})); same=0; last=; "
        + $"until [ $same -ge {QuietSeconds} ] || [ $(cut -d. -f1 /proc/uptime) -ge $end ]; do sleep 1; now=$(ls /sys/bus/*/devices /sys/class/* | wc -l); "
        + $"[ \"$now\" = \"$last\" ] && [ $(ls /sys/bus/pci/devices | wc -l) -ge {devices.Count} ] && same=$((same + 1)) || same=0; last=$now; done", Command, cancel);

    private void Look(Guest guest, Action<PluggedDevice, DeviceState?> keep, CancellationToken cancel)
    {
        string addresses = string.Join(' ', devices.Select(device => device.Address).Where(address => address.Length > 0));
        IReadOnlyList<DeviceState> states = observer.Look(colour => DeviceState.Parse(guest.Run($"SCREEN={colour} device-check {addresses}", TimeSpan.FromMinutes(5), cancel)));
        devices.ForEach(device => keep(device, states.FirstOrDefault(state => state.Address == device.Address)));
    }

    private IEnumerable<string> Arguments()
    {
        yield return "-audiodev";
        yield return "none,id=none";
        yield return "-device";
        yield return $"pcie-pci-bridge,id={ConventionalBus},bus=pcie.0,addr={BridgeSlot}";
        if (models.Any(model => model.IsScreen))
        {
            yield return "-vga";
            yield return "none";
        }
        int port = 0;
        foreach (PluggedDevice device in devices)
        {
            string bus = device.Model.Place switch { DevicePlace.Root => "pcie.0", DevicePlace.Bridge => ConventionalBus, _ => $"port{port}" };
            if (device.Model.Place == DevicePlace.Port)
            {
                yield return "-device";
                yield return $"pcie-root-port,id={bus},bus=pcie.0,chassis={port},slot={port},addr={PortSlot}.{port}{(port == 0 ? ",multifunction=on" : "")}";
                port++;
            }
            foreach (string argument in device.Arguments(bus))
                yield return argument;
        }
    }

    private void FindAddresses(Qmp qmp)
    {
        foreach (JsonNode? bus in qmp.Execute("query-pci")!.AsArray())
            FindAddresses(bus!["devices"]!.AsArray());
    }

    private void FindAddresses(JsonArray functions)
    {
        foreach (JsonNode? function in functions)
        {
            if (devices.Find(device => device.Id == (string?)function!["qdev_id"]) is { } found)
                found.Address = $"0000:{(int)function!["bus"]!:x2}:{(int)function["slot"]!:x2}.{(int)function["function"]!}";
            if (function!["pci_bridge"]?["devices"] is JsonArray behind)
                FindAddresses(behind);
        }
    }
}
