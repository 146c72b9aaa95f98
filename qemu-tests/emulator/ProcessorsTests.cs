using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>
/// A machine with several processors: Hv uses all of them, and so does each system under it. The guest's program "load" (qemu-tests/guest/small/load.c)
/// keeps them busy and looks whether they compute right.
/// </summary>
[TestCaseOrderer("Hv.EmulatorTests.ShadowsLast", "Hv.EmulatorTests")]
public abstract class ProcessorsTests(MachineFixture machine, ITestOutputHelper output)
{
    // The pattern is for grep: the console, which is looked through for the words, shows the commands, too.
    private const string Cpus = "/sys/devices/system/cpu", LoadOutput = "/tmp/load", Wrong = "load: WRONG", WrongPattern = "load: WRON[G]";

    private const int Share = 50, ShadowSeconds = 900, LoadSeconds = 10, BusySteps = 20_000, LeastRounds = 3;
    private const double LongestGap = 5;

    private const string LastRound = $"sed -n 's/^load: \\([0-9]*\\) rounds$/\\1/p' {LoadOutput} | tail -n 1";

    private static readonly string Start = $"shadowctl start --share {Share} --timeout {ShadowSeconds}", Wait = $"shadowctl wait --timeout {ShadowSeconds}";

    private TimeSpan Boot => TimeSpan.FromSeconds(ShadowSeconds) * machine.Patience;

    private int Others => machine.Processors - 1;

    private string AllOnline => $"0-{Others}";

    [Fact]
    public void Hv_says_how_many_processors_it_uses()
    {
        string said = $"Hv: {machine.Processors} processors";
        Assert.True(machine.Guest.Emulator.Console.Lines.Any(line => line.Text.Contains(said, StringComparison.Ordinal))
            || machine.Guest.Emulator.ReadHvLog().Contains(said, StringComparison.Ordinal), $"Hv does not say '{said}'.");
    }

    [Fact]
    public void All_processors_are_online() => CheckOnline();

    [Fact]
    public void A_program_ends_on_each_processor() => UseEach();

    [Fact]
    public void A_load_on_all_processors_computes_right()
    {
        RunLoad();
        CheckLog();
    }

    [Fact]
    public void A_non_maskable_interrupt_reaches_each_processor_once()
    {
        SendNmis();
        // The same while they compute, most of the time not in the kernel.
        StartLoad();
        SendNmis();
        StopLoad();
        CheckLog();
    }

    protected void KeepMemoryOfAForkApart()
    {
        string log = MemoryApart.Fork(machine);
        Assert.Contains("apart: ended after", log, StringComparison.Ordinal);
        Assert.DoesNotContain(MemoryApart.Wrong, log, StringComparison.Ordinal);
        Assert.DoesNotContain(machine.Guest.Emulator.Console.Lines, line => line.Text.Contains(MemoryApart.Wrong, StringComparison.Ordinal));
    }

    protected void CheckOwnStart() =>
        Assert.Equal(Others, Regex.Matches(machine.Guest.Emulator.ReadHvLog(), "^Hv: processor with APIC ID [0-9]+ started\r?$", RegexOptions.Multiline).Count);

    protected void ProcessorsGoOfflineAndComeBack(int times = 3)
    {
        for (int i = 0; i < times; i++)
            Replug();
        RunLoad();
        CheckLog();
    }

    protected void StartAShadowUnderLoadAndAbortIt() => machine.Unharmed(() =>
    {
        StartLoad();
        machine.Run($"{Start} --cold");
        machine.Run(Wait, Boot);
        CheckShadowsLog();
        machine.Run("shadowctl abort");
        Assert.Equal("aborted", (string?)machine.Status()["failure"]);
        machine.Run("sleep 3");
        StopLoad();
        CheckLog();
    }, LongestGap);

    // The last test of the machine: another system runs afterwards, with the same processors.
    protected void ForkABusySystemAndSwitch()
    {
        string boot = machine.Run("cat /proc/sys/kernel/random/boot_id");
        StartLoad();
        machine.Run($"sleep 3; {Start}");
        output.WriteLine(machine.Status()["fork"]?.ToJsonString());
        long atFork = Rounds();
        machine.Run(Wait, Boot);
        CheckShadowsLog();
        Assert.InRange(Rounds(), atFork + LeastRounds, long.MaxValue);
        CheckLoad();
        CheckLog();

        // The load goes on until the switch.
        JsonNode status = machine.SwitchToShadow();
        Assert.Equal("promoted", (string?)status["role"]);
        output.WriteLine($"switch: {status["switch_seconds"]} s");
        Assert.NotEqual(boot, machine.Run("cat /proc/sys/kernel/random/boot_id"));
        CheckConsole();
        CheckOnline();
        UseEach();
        RunLoad();
        SendNmis();
        Replug();
        UseEach();
        CheckLog();
        Assert.DoesNotContain("Hv fault", machine.Guest.Emulator.ReadHvLog(), StringComparison.Ordinal);
    }

    private static string MaskOf(int cpu) => (1 << cpu).ToString("x", CultureInfo.InvariantCulture);

    private void CheckOnline()
    {
        Assert.Equal($"{machine.Processors}", machine.Run("nproc"));
        Assert.Equal($"{machine.Processors}", machine.Run("grep -c ^processor /proc/cpuinfo"));
        Assert.Equal(AllOnline, machine.Run($"cat {Cpus}/online"));
        // Each has its own local APIC, of a number of its own.
        string[] apics = machine.Run("sed -n 's/^apicid[^0-9]*//p' /proc/cpuinfo").Split('\n');
        Assert.Equal(machine.Processors, apics.Distinct().Count());
    }

    // A program that is bound to a processor says in the end how far it came and where it runs (the 39th word of its state).
    private void UseEach()
    {
        for (int cpu = 0; cpu < machine.Processors; cpu++)
            Use(cpu);
    }

    private void Use(int cpu) => Assert.Equal($"{BusySteps} on {cpu}",
        machine.Run($"taskset {MaskOf(cpu)} sh -c 'i=0; while [ $i -lt {BusySteps} ]; do i=$((i+1)); done; echo $i on $(cut -d\" \" -f39 /proc/self/stat)'"));

    private void Replug()
    {
        for (int cpu = 1; cpu < machine.Processors; cpu++)
        {
            machine.Run($"echo 0 >{Cpus}/cpu{cpu}/online");
            Assert.Equal("0", machine.Run($"cat {Cpus}/cpu{cpu}/online"));
        }
        Assert.Equal("0", machine.Run($"cat {Cpus}/online"));
        Assert.Equal("1", machine.Run("nproc"));
        Use(0);
        for (int cpu = 1; cpu < machine.Processors; cpu++)
        {
            machine.Run($"echo 1 >{Cpus}/cpu{cpu}/online");
            Use(cpu);
        }
        CheckOnline();
    }

    // Each processor asks all of them, by NMIs to the others, where they are. It reports itself without one. Nothing else sends any: the NMI watchdog is off.
    private void SendNmis()
    {
        machine.Run("[ ! -e /proc/sys/kernel/nmi_watchdog ] || echo 0 >/proc/sys/kernel/nmi_watchdog || true");
        long[] before = CountNmis();
        for (int cpu = 0; cpu < machine.Processors; cpu++)
        {
            string mark = Guid.NewGuid().ToString("N");
            // The kernel says on the console what it is asked for: not in the middle of the command's own output.
            machine.Run($"echo {mark} >/dev/kmsg; usleep 300000; taskset {MaskOf(cpu)} sh -c 'echo l >/proc/sysrq-trigger'; usleep 300000");
            string[] reports = machine.Run($"dmesg | sed 1,/{mark}/d | grep -o 'NMI backtrace for cpu [0-9]*' | sort").Split('\n');
            Assert.Equal(Enumerable.Range(0, machine.Processors).Select(k => $"NMI backtrace for cpu {k}"), reports);
        }
        Assert.Equal(before.Select(count => count + Others), CountNmis());
    }

    private long[] CountNmis() => [.. machine.Run("sed -n 's/^ *NMI: *//p' /proc/interrupts").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Take(machine.Processors).Select(count => long.Parse(count, CultureInfo.InvariantCulture))];

    // Runs the load alone for a while.
    private void RunLoad()
    {
        CommandResult result = machine.TryRun($"load {LoadSeconds}");
        output.WriteLine(result.Output.Split('\n')[^1]);
        Assert.DoesNotContain(Wrong, result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.Status);
    }

    // What is wrong also goes to the console, which shows it even if this system is never asked again.
    private void StartLoad()
    {
        machine.Run($"rm -f {LoadOutput}; (load 0 >{LoadOutput} 2>/dev/ttyS0 &); until grep -q rounds {LoadOutput} 2>/dev/null; do sleep 1; done");
        CheckLoad();
    }

    private void StopLoad()
    {
        long before = Rounds();
        machine.Run($"until [ $({LastRound}) -ge {before + LeastRounds} ]; do sleep 1; done");
        output.WriteLine($"load: {Rounds()} rounds");
        machine.Run("killall load");
        CheckLoad();
    }

    private long Rounds() => long.Parse(machine.Run(LastRound), CultureInfo.InvariantCulture);

    private void CheckLoad()
    {
        Assert.Equal("", machine.Run($"grep -a '{WrongPattern}' {LoadOutput} || true"));
        CheckConsole();
    }

    private void CheckConsole() => Assert.DoesNotContain(machine.Guest.Emulator.Console.Lines, line => line.Text.Contains(Wrong, StringComparison.Ordinal));

    // The detectors are there, and silent.
    private void CheckLog()
    {
        Assert.Equal("1", machine.Run("cat /proc/sys/kernel/soft_watchdog"));
        Assert.NotEqual("0", machine.Run("cat /proc/sys/kernel/hung_task_timeout_secs"));
        Assert.Equal("", machine.Run($"dmesg | grep -E '{KernelComplaints.Pattern}' || true"));
    }

    private void CheckShadowsLog()
    {
        string log = machine.Run("shadowctl log");
        Assert.Contains($"Brought up 1 node, {machine.Processors} CPUs", log, StringComparison.Ordinal);
        Assert.Contains("HV-GUEST-READY", log, StringComparison.Ordinal);
        Assert.DoesNotContain(Wrong, log, StringComparison.Ordinal);
        Assert.DoesNotContain(log.Split('\n'), line => Regex.IsMatch(line, KernelComplaints.Pattern));
    }
}
