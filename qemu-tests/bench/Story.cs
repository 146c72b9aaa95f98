using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>
/// The story that ./run tells: a system with a beating heart installs a new kernel, is rebooted in the background and switched to,
/// and then is rebooted in the ordinary way, both timed alike.
/// </summary>
public sealed class Story(StoryOptions options, StepDisplay display)
{
    /// <summary>
    /// The longest time for which the running system may seem to stand still, in seconds: less than what somebody at the keyboard takes for a hang. The computer may keep an emulator itself from
    /// running for about a second; with nothing else on it the gap is below half a second.
    /// </summary>
    public const double LongestGap = 1.5;

    private const long LargestImage = 512 * 1024;

    private readonly StoryResult result = new() { Options = options };
    private TimeSpan boot = TimeSpan.FromMinutes(10) * options.Bench.Patience(), command = TimeSpan.FromMinutes(2) * options.Bench.Patience();
    private CancellationToken cancel;

    /// <summary>The least cut of the downtime, in percent. The small system, which reboots in 20 s, leaves less to cut.</summary>
    private double GoalPercent => options.Guest == GuestKind.Small ? 90 : 95;

    /// <summary>Tells the story. It does not throw: what goes wrong is in the result.</summary>
    public StoryResult Tell(CancellationToken cancel = default)
    {
        this.cancel = cancel;
        try
        {
            Tell();
        }
        catch (BenchException e)
        {
            result.Failure = e.Message;
        }
        catch (OperationCanceledException)
        {
            result.Failure = "interrupted";
        }
        return result;
    }

    private void Tell()
    {
        string run = Paths.NewRun($"story-{options.Bench.Name()}");
        string disk = Path.Combine(run, "guest.img");
        string? hv = options.Efi is null ? null : Path.Combine(run, "hv.img");
        GuestImage image = display.Run("Preparing the disks", () =>
        {
            GuestImage guest = GuestImage.Get(options.Guest, line => display.Detail = line);
            guest.CopyTo(disk);
            if (hv is not null)
            {
                HvImage.Create(options.Efi!, hv);
                result.ImageBytes = new FileInfo(options.Efi!).Length;
                result.Check("Hv's image is smaller than 512 KiB", result.ImageBytes < LargestImage, $"{result.ImageBytes} bytes");
            }
            return guest;
        });
        using Emulator emulator = Emulator.Create(options.Bench, new MachineOptions { RunFolder = run, HvImage = hv, GuestDisk = disk, Disk = options.Disk, Processors = options.Processors });
        Guest guest = Guest.Create(options.Guest, emulator);
        try
        {
            display.Run($"Starting the machine {(hv is null ? "without" : "with")} Hv, until it waits for a user", () =>
            {
                emulator.Start(line => display.Detail = line.Text);
                guest.WaitUntilUp(boot, cancel);
            });
            Prepare(guest, image);
            for (int i = 1; hv is not null && i <= options.ShadowReboots; i++)
                RebootInBackground(guest, image, i);
            CompareUses();
            RebootOrdinarily(guest, image);
            ShutDown(emulator, guest, image, disk);
        }
        catch (BenchException e)
        {
            throw emulator.Explain(e);
        }
    }

    private void Prepare(Guest guest, GuestImage image)
    {
        display.Run("Logging in", () =>
        {
            guest.LogIn(command, cancel);
            result.KernelBefore = guest.Run("uname -r", command, cancel);
            CheckProcessors(guest, "at first");
            guest.StartHeartbeat(command, cancel);
        });
        result.Check("the old kernel runs at first", result.KernelBefore == image.OldKernel, result.KernelBefore!);
        display.Run($"Installing kernel {image.NewKernel} in the running system", () =>
        {
            guest.InstallKernel(image.NewKernel, TimeSpan.FromMinutes(20) * options.Bench.Patience(), cancel);
            guest.Run("sync", command, cancel);
        });
    }

    private void RebootInBackground(Guest guest, GuestImage image, int number)
    {
        string before = guest.BootId(command, cancel);
        string reboot = number <= options.ColdReboots ? "shadowctl reboot --cold" : "shadowctl reboot";
        Downtime shadow = display.Run($"Rebooting it in the background and switching ({reboot})",
            () => result.Shadow = new DowntimeProbe(guest).MeasureShadow(reboot, TimeSpan.FromMinutes(20) * options.Bench.Patience(), cancel));
        display.Run("Looking at the rebooted system", () =>
        {
            guest.LogIn(command, cancel);
            result.Check("another boot answers on the console", guest.BootId(command, cancel) != before, "");
            result.KernelAfter = guest.Run("uname -r", command, cancel);
            string errors = guest.Run("dmesg | grep -c -E 'EXT4-fs (error|warning)|I/O error' || true", command, cancel);
            result.Check("the file system is without errors after the switch", errors == "0", $"{errors} errors in the kernel's log");
            string faults = guest.Run($"dmesg | grep -c -E '{KernelComplaints.Pattern}' || true", command, cancel);
            result.Check("the kernel has met no fault after the switch", faults == "0", $"{faults} in the kernel's log");
            CheckProcessors(guest, "after the switch");
            if (number > options.ColdReboots)
                CheckShutdown(guest);
            if (guest.CheckNetworkWait(command, cancel) is { } wait)
                result.Check(wait.Name, wait.Passed, wait.Detail);
            result.Status = guest.ReadStatus(command, cancel);
            guest.StartHeartbeat(command, cancel);
        });
        display.Run("Waiting until the machine has settled", () => result.Uses.Add(WaitUntilSettled(guest)));
        result.Check("the new kernel runs after the switch", result.KernelAfter == image.NewKernel, result.KernelAfter!);
        result.Check("the network card works after the switch", shadow.Network?.Kernel == image.NewKernel,
            shadow.Network is { } answer ? $"{answer.Kernel} answered" : "no answer");
        result.Check($"no heartbeat gap over {LongestGap} s before the switch", shadow.Heartbeats.Count > 0 && shadow.LongestGap <= LongestGap && shadow.IsComplete,
            $"{shadow.Heartbeats.Count} heartbeats, longest gap {shadow.LongestGap:F2} s{(shadow.IsComplete ? "" : ", some missing")}");
    }

    private void CheckProcessors(Guest guest, string when)
    {
        string processors = guest.Run("nproc", command, cancel);
        result.Check($"the system uses all processors {when}", processors == $"{options.Processors}", processors);
    }

    // The copy has stopped its services in order and unmounted its root file system: its console says so, and the next boot found nothing to recover.
    private void CheckShutdown(Guest guest)
    {
        string log = guest.Run("shadowctl log", command, cancel);
        int at = 0;
        string? missing = guest.ShutdownMarks.FirstOrDefault(mark =>
        {
            Match match = new Regex(mark, RegexOptions.CultureInvariant).Match(log, at);
            at = match.Index + match.Length;
            return !match.Success;
        });
        result.Check("the copy has shut down in order", missing is null, missing is null ? "" : $"its console does not show '{missing}'");
        string recovered = guest.Run("dmesg | grep -c -E 'EXT4-fs.*(recovery|orphan)' || true", command, cancel);
        result.Check("the copy has unmounted its root file system", recovered == "0", $"{recovered} recoveries in the kernel's log");
    }

    // Before the first one the firmware had started the system, so only the others are alike.
    private void CompareUses()
    {
        if (result.Uses.Count < 3)
            return;
        MachineUse second = result.Uses[1], last = result.Uses[^1];
        result.Check($"pool, Hv's memory and the guest's memory are the same after shadow reboots 2 and {result.Uses.Count}", second == last, $"{second}, {last}");
    }

    private void RebootOrdinarily(Guest guest, GuestImage image)
    {
        string kernel = options.Efi is null ? image.NewKernel : result.KernelAfter!;
        Downtime ordinary = display.Run($"Rebooting it in the ordinary way ({guest.RebootCommand})",
            () => result.Ordinary = new DowntimeProbe(guest).MeasureOrdinary(guest.RebootCommand, boot, cancel));
        display.Run("Looking at the system again", () =>
        {
            guest.LogIn(command, cancel);
            string now = guest.Run("uname -r", command, cancel);
            CheckProcessors(guest, "after the ordinary reboot");
            result.KernelAfter ??= now;
            result.Check("the new kernel runs after the ordinary reboot", now == kernel, now);
        });
        result.Check("the network card works after the ordinary reboot", ordinary.Network is not null, ordinary.Network is { } answer ? $"{answer.Kernel} answered" : "no answer");
        if (result.CutPercent is { } cut)
            result.Check($"the downtime is at least {GoalPercent:F0} % shorter", cut >= GoalPercent, $"{cut:F1} %");
    }

    private void ShutDown(Emulator emulator, Guest guest, GuestImage image, string disk) => display.Run("Shutting down and checking the file system", () =>
    {
        guest.Begin("poweroff");
        bool off = emulator.WaitForExit(command);
        result.Check("the machine turns itself off", off, "");
        if (!off)
            return;
        string? problem = image.CheckFileSystem(disk);
        result.Check("the file system on the disk is clean", problem is null, problem ?? "");
    });

    private MachineUse WaitUntilSettled(Guest guest)
    {
        const string sumOfMemory = "sum=0; for e in /sys/firmware/memmap/*; do [ \"$(cat $e/type)\" != 'System RAM' ] || sum=$((sum + $(cat $e/end) - $(cat $e/start) + 1)); done; echo $sum";
        JsonObject status = guest.WaitUntilIdle(command, cancel);
        long guestMemory = long.Parse(guest.Run(sumOfMemory, command, cancel), CultureInfo.InvariantCulture);
        return new MachineUse((long)status["pool_free_bytes"]!, (long)status["hv_memory_bytes"]!, guestMemory);
    }
}
