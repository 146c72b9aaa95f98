using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "story", which ./run ends with.</summary>
internal static class StoryCommand
{
    public static Command Create()
    {
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<string?> guest = new("--guest") { Description = "the guest (default: debian; on Bochs small)" };
        guest.AcceptOnlyFromAmong("small", "debian");
        Option<string> disk = new("--disk") { Description = "how QEMU attaches the guest's disk", DefaultValueFactory = _ => "nvme" };
        disk.AcceptOnlyFromAmong("nvme", "ahci");
        Option<int> reboots = new("--reboots") { Description = "how many reboots are hidden, one after the other", DefaultValueFactory = _ => 1 };
        Option<int> processors = ProcessorOption.Create();
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<bool> noHv = new("--no-hv") { Description = "leave Hv and the shadow reboot out" };
        Option<string?> json = new("--json") { Description = "write the figures to this file, too" };
        Command command = new("story", "Tells the story: a reboot hidden, an ordinary reboot, and what each cost.") { bench, guest, disk, processors, reboots, efi, noHv, json };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            BenchKind kind = BenchKinds.Parse(parsed.GetValue(bench)!);
            if (kind == BenchKind.Kvm && QemuKvm.WhyNot() is { } reason)
                throw new BenchException(reason);
            StoryOptions options = new()
            {
                Bench = kind,
                Guest = Enum.Parse<GuestKind>(parsed.GetValue(guest) ?? (kind == BenchKind.BochsVmx ? "small" : "debian"), ignoreCase: true),
                Disk = Enum.Parse<DiskBus>(parsed.GetValue(disk)!, ignoreCase: true),
                Processors = parsed.GetValue(processors),
                ShadowReboots = parsed.GetValue(reboots),
                Efi = parsed.GetValue(noHv) ? null : parsed.GetValue(efi)?.FullName ?? Paths.Efi,
            };
            StoryResult result = new Story(options, new StepDisplay()).Tell(cancel);
            StoryTable.Show(result);
            if (parsed.GetValue(json) is { } path)
                File.WriteAllText(path, result.ToJson() + "\n");
            return result.Passed ? 0 : 1;
        }, cancel));
        return command;
    }
}
