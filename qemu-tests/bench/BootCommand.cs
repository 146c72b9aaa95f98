using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "boot": starts a machine and shows its console and Hv's trace.</summary>
internal static class BootCommand
{
    public static Command Create()
    {
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<bool> noHv = new("--no-hv") { Description = "start the guest without Hv" };
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<string> guest = new("--guest") { Description = "the guest on the disk", DefaultValueFactory = _ => "small" };
        guest.AcceptOnlyFromAmong("none", "small", "debian");
        Option<string> disk = new("--disk") { Description = "how QEMU attaches the guest's disk", DefaultValueFactory = _ => "nvme" };
        disk.AcceptOnlyFromAmong("nvme", "ahci");
        Option<int> timeout = new("--timeout") { Description = "seconds after which the machine is stopped", DefaultValueFactory = _ => 120 };
        Option<string?> until = new("--until") { Description = "stop when this regular expression has appeared on the console" };
        Option<string?> untilHv = new("--until-hv") { Description = "stop when this text has appeared in Hv's trace" };
        Option<string[]> type = new("--type") { Description = "a line to type: REGEX=>TEXT types TEXT when REGEX has appeared" };
        Option<int> memory = new("--memory") { Description = "the machine's memory in MiB" };
        Option<int> processors = ProcessorOption.Create();
        Option<string> iommu = new("--iommu") { Description = "the DMA remapping unit (QEMU)", DefaultValueFactory = _ => "none" };
        iommu.AcceptOnlyFromAmong("none", "vtd", "amdvi");
        Option<bool> ownStart = new("--own-start") { Description = "Hv starts the processors itself, without MP services" };
        Option<string?> extra = new("--extra") { Description = "more arguments for QEMU, or (Bochs) more configuration lines separated by ';'" };
        Option<bool> screen = new("--screendump") { Description = "at the end write a picture of the screen (QEMU)" };
        Command command = new("boot", "Starts a machine and shows its console, then Hv's trace.")
        {
            efi, noHv, bench, guest, disk, timeout, until, untilHv, type, memory, processors, ownStart, iommu, extra, screen,
        };
        command.SetAction((result, cancel) => Task.Run(() =>
        {
            BenchKind kind = BenchKinds.Parse(result.GetValue(bench)!);
            string run = Paths.NewRun($"boot-{kind.Name()}");
            string? hvImage = null, guestDisk = null;
            if (!result.GetValue(noHv))
                HvImage.Create(result.GetValue(efi)?.FullName ?? Paths.Efi, hvImage = Path.Combine(run, "hv.img"), result.GetValue(ownStart));
            if (result.GetValue(guest) is { } name and not "none")
                GuestImage.Get(Enum.Parse<GuestKind>(name, ignoreCase: true), Console.Error.WriteLine).CopyTo(guestDisk = Path.Combine(run, "guest.img"));
            string more = result.GetValue(extra) ?? "";
            MachineOptions options = new()
            {
                RunFolder = run,
                HvImage = hvImage,
                GuestDisk = guestDisk,
                Disk = Enum.Parse<DiskBus>(result.GetValue(disk)!, ignoreCase: true),
                MemoryMiB = result.GetValue(memory),
                Processors = result.GetValue(processors),
                Iommu = Enum.Parse<IommuKind>(result.GetValue(iommu)!, ignoreCase: true),
                Extra = more.Split(kind == BenchKind.BochsVmx ? ';' : ' ', StringSplitOptions.RemoveEmptyEntries),
            };
            using Emulator emulator = Emulator.Create(kind, options);
            emulator.Start(line => Console.WriteLine(line));
            string outcome = Watch(emulator, TimeSpan.FromSeconds(result.GetValue(timeout)), result.GetValue(until), result.GetValue(untilHv), result.GetValue(type) ?? [], cancel);
            if (emulator.Console.PartialLine is { Length: > 0 } partial)
                Console.WriteLine($"{emulator.Console.LastActivity.TotalSeconds,8:F2}  {partial}");
            if (result.GetValue(screen) && emulator is QemuMachine { HasExited: false } qemu)
                qemu.Qmp.Screendump(Path.Combine(run, "screen.ppm"));
            Console.WriteLine($"--- {outcome}");
            if (emulator.Console.Heartbeats is { Length: > 0 } beats)
                Console.WriteLine($"--- {beats.Length} heartbeats from {beats[0].Seen.TotalSeconds:F2} s to {beats[^1].Seen.TotalSeconds:F2} s (not shown above)");
            if (hvImage is not null)
                Console.WriteLine($"--- Hv's trace ({emulator.HvLogFile}):\n{emulator.ReadHvLog()}");
            Console.WriteLine($"--- everything of this run is in {run}");
            return 0;
        }, cancel));
        return command;
    }

    private static string Watch(Emulator emulator, TimeSpan timeout, string? until, string? untilHv, string[] typing, CancellationToken cancel)
    {
        foreach (string step in typing)
        {
            string[] parts = step.Split("=>", 2);
            if (parts.Length == 2)
                emulator.Console.Expect(parts[0], timeout - emulator.Clock.Elapsed, cancel);
            emulator.Console.Send(parts[^1] + "\n");
        }
        while (emulator.Clock.Elapsed < timeout && !emulator.HasExited && !cancel.IsCancellationRequested)
        {
            if (until is not null && emulator.Console.TryExpect(until, TimeSpan.FromMilliseconds(200), out _, out TimeSpan time, cancel))
                return $"'{until}' appeared after {time.TotalSeconds:F2} s";
            if (untilHv is not null && emulator.ReadHvLog().Contains(untilHv, StringComparison.Ordinal))
                return $"'{untilHv}' appeared in Hv's trace after {emulator.Clock.Elapsed.TotalSeconds:F2} s";
            if (until is null)
                Thread.Sleep(200);
        }
        return emulator.HasExited ? $"the emulator ended after {emulator.Clock.Elapsed.TotalSeconds:F2} s" : $"stopped after {emulator.Clock.Elapsed.TotalSeconds:F2} s";
    }
}
