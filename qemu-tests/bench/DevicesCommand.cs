using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "devices".</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Option<int> switches = new("--switches") { Description = "how many reboots are hidden; the devices are used after the first and the last", DefaultValueFactory = _ => 1 };
        Option<string[]> only = new("--only") { Description = "plug in these devices only (QEMU's names)", AllowMultipleArgumentsPerToken = true };
        Option<bool> fork = new("--fork") { Description = "reboot a copy of the running system: some of many drivers may never give up there when their device is gone" };
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<string?> page = new("--page") { Description = "update the table in this file, too (docs/devices.md)" };
        Command command = new("devices", "Plugs in devices, hides reboots, and shows whether each device works as before.") { switches, only, fork, efi, page };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            string[] names = parsed.GetValue(only) ?? [];
            if (names.FirstOrDefault(name => DeviceModels.All.All(model => model.Name != name)) is { } unknown)
                throw new BenchException($"There is no device '{unknown}'; there are: {string.Join(' ', DeviceModels.All.Select(model => model.Name))}");
            DeviceModel[] models = [.. DeviceModels.All.Where(model => names.Length == 0 ? !model.IsScreen : names.Contains(model.Name))];
            if (models.Count(model => model.IsScreen) > 1)
                throw new BenchException("One machine takes one of: " + string.Join(' ', models.Where(model => model.IsScreen).Select(model => model.Name)));
            DeviceBench bench = new(models, parsed.GetValue(switches), parsed.GetValue(fork) ? DeviceBench.Fork : DeviceBench.Cold, parsed.GetValue(efi)?.FullName ?? Paths.Efi, new StepDisplay());
            bench.Run(cancel);
            Console.WriteLine(DeviceTable.Write(bench, ""));
            if (bench.Switches > 0 && parsed.GetValue(page) is { } path)
                File.WriteAllText(path, DeviceTable.Write(bench, File.Exists(path) ? File.ReadAllText(path) : ""));
            if (bench.Failure is not null)
                Console.Error.WriteLine($"hv: the run did not come to its end: {bench.Failure}");
            return bench.Failure is null && bench.Devices.All(device => device.Problem(device.After.LastOrDefault()) is null) ? 0 : 1;
        }, cancel));
        return command;
    }
}
