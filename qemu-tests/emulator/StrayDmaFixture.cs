using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>
/// A machine whose devices write to memory up to and across a switch: three QEMU edu devices that the old system keeps busy, and a network card that is
/// flooded with packets from outside. The promoted system holds memory with a pattern, and looks for its devices only when it is told to.
/// </summary>
public abstract class StrayDmaFixture : IDisposable
{
    private const int MemoryMiB = 2048, HeldMiB = 128, BrieflyHeldMiB = 16, TakenMiB = 600, DumpedMiB = 128, RunsTried = 6, PageBytes = 4096, RestlessEdu = 0x11, QuietEdu = 0x10;
    private const string EduId = "1234:11e8";
    private const string Card = "52:54:00:f1:00:0d", Interface = "$(grep -l " + Card + " /sys/class/net/*/address | cut -d/ -f5)";
    // Disks are left alone: one of them is the system's. Not compared are expansion ROMs (line 7), whose place is the kernel's choice, and registers that bridges
    // themselves have, which a shadow does not see; bridges' windows are.
    private const string Check = "device-check $(for d in /sys/bus/pci/devices/*; do case $(cat $d/class) in 0x06* | 0x01* | 0x0c03*) ;; *) echo ${d##*/} ;; esac; done)",
        Resources = "cd /sys/bus/pci/devices; for d in *; do echo $d $(awk -v bridge=$(grep -c ^0x0604 $d/class) 'NR != 7 && (NR > 2 || !bridge) { printf \"%s-%s \", $1, $2 }' $d/resource); done; cd";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3), Long = TimeSpan.FromMinutes(6), Poll = TimeSpan.FromMilliseconds(10), After = TimeSpan.FromSeconds(4);

    private readonly bool isBrief;
    private readonly PacketFlood flood = new();
    private readonly QemuMachine machine;
    private readonly Guest guest;

    /// <summary>Runs the whole on a machine with this remapping unit, or in brief: without packets, transfers under way and a look at the devices.</summary>
    protected StrayDmaFixture(IommuKind iommu, bool isBrief = false)
    {
        this.isBrief = isBrief;
        machine = (QemuMachine)Machine.Start(BenchKind.QemuSvm, "dma", GuestKind.Small, memoryMiB: MemoryMiB, iommu: iommu, busAccess: true, extra:
        [
            "-device", "pcie-root-port,id=rootport,bus=pcie.0,chassis=1,slot=1,addr=1c.0", "-device", "pcie-pci-bridge,id=conventional,bus=pcie.0,addr=1d.0",
            "-netdev", $"{flood.Backend},id=flood", "-device", $"e1000e,netdev=flood,romfile=,bus=rootport,mac={Card}",
            "-device", "edu,dma_mask=4294967295,bus=pcie.0,addr=10.0", "-device", "edu,dma_mask=4294967295,bus=pcie.0,addr=11.0",
            "-device", "edu,dma_mask=4294967295,bus=conventional,addr=2.0", "-device", "rtl8139,bus=conventional,addr=3.0,romfile=",
        ]);
        guest = Guest.Create(GuestKind.Small, machine);
        Machine.Prepare(machine, this, Run);
    }

    /// <summary>The devices as a normal boot has them, and after the switch.</summary>
    public IReadOnlyList<DeviceState> Before { get; private set; } = [];

    /// <summary>The devices after the switch.</summary>
    public IReadOnlyList<DeviceState> Found { get; private set; } = [];

    /// <summary>The registers and windows of all functions in the system that was started in the ordinary way.</summary>
    public string PlacesBefore { get; private set; } = "";

    /// <summary>The same after the switch.</summary>
    public string PlacesFound { get; private set; } = "";

    /// <summary>The devices after another switch, in a system in which nobody looks for them.</summary>
    public IReadOnlyList<DeviceState> FoundUnasked { get; private set; } = [];

    /// <summary>The registers and windows of all functions there.</summary>
    public string PlacesUnasked { get; private set; } = "";

    /// <summary>How many transfers of the edu devices to memory that the promoted system holds were finished before the switch, and how many of them arrived.</summary>
    public (int Finished, int Arrived) Transfers { get; private set; }

    /// <summary>What the promoted system says of the memory that it holds: how often it has looked since the switch, and how many words were wrong.</summary>
    public (int Looks, int Wrong) Held { get; private set; }

    /// <summary>The same once the devices are in use again.</summary>
    public (int Looks, int Wrong) HeldAtEnd { get; private set; }

    /// <summary>
    /// The same after a device has, at the end, been told to write to a page that is held: what Hv must not let happen is noticed when it does.
    /// </summary>
    public (int Looks, int Wrong) HeldAfterStray { get; private set; }

    /// <summary>Packets that the card had received before the switch, and later in the promoted system.</summary>
    public (long Before, long After) Received { get; private set; }

    /// <summary>The number of the packet that was the last one when Hv called the devices quiet, of the last one that was sent, and of the last one that is anywhere in memory.</summary>
    public (long WhenQuiet, long Sent, long InMemory) Packets { get; private set; }

    /// <summary>The number of the last packet that was in memory shortly before the switch: how it is looked for works.</summary>
    public long InMemoryBefore { get; private set; }

    /// <summary>What the promoted kernel says of places that it was told.</summary>
    public string KernelLog { get; private set; } = "";

    /// <summary>The machine's state as the promoted system's administrator sees it at the end, and as <c>shadowctl status --devices</c> shows it after the switch.</summary>
    public JsonNode Status { get; private set; } = new JsonObject();

    /// <summary>See <see cref="Status"/>.</summary>
    public string Devices { get; private set; } = "";

    /// <summary>A write, long after the switch, to memory that the promoted system holds, of an edu device that went on being a bus master at the switch if there is a remapping unit.</summary>
    public LateWrite OfRestless { get; private set; }

    /// <summary>The same of another one, which did not.</summary>
    public LateWrite OfQuiet { get; private set; }

    /// <summary>Writes of that one to memory of Hv's, one for each place that is closed to devices.</summary>
    public IReadOnlyList<LateWrite> ToHv { get; private set; } = [];

    /// <summary>What the promoted system reads from the remapping unit's first register, as devmem shows it.</summary>
    public string SeenRegister { get; private set; } = "";

    public void Dispose()
    {
        flood.Dispose();
        machine.Dispose();
    }

    private void Run()
    {
        guest.WaitUntilUp(Limit);
        guest.LogIn(Limit);
        guest.Run("ln -s /sbin/load-drivers /etc/rc.d/load-drivers; load-drivers; sleep 2", Limit);
        if (!isBrief)
            UseDevices();
        // The new system does not look for devices before it is told to, and shows which memory it holds.
        guest.Run("printf '#!/bin/sh\\nexec shadowctl ready\\n' >/etc/rc.d/shadowctl", Limit);
        guest.Run($"printf '#!/bin/sh\\n/usr/local/sbin/dma hold {(isBrief ? BrieflyHeldMiB : HeldMiB)} /run/held &\\nuntil [ -e /run/held.result ]; do sleep 1; done\\nsed \"s/^/HELD /;{RunsTried}q\" /run/held >/dev/ttyS0\\necho HELD-ALL >/dev/ttyS0\\n' >/etc/rc.d/hold; chmod 755 /etc/rc.d/hold /etc/rc.d/shadowctl; sync", Limit);
        guest.Run("shadowctl start --cold && shadowctl wait --timeout 300", Long);
        guest.Run("until shadowctl log | grep -q HELD-ALL; do sleep 2; done", Long);
        MatchCollection runs = Regex.Matches(guest.Run("shadowctl log | grep '^HELD '", Limit), "HELD ([0-9a-f]+) ([0-9a-f]+)");
        long receivedBefore = 0;
        if (!isBrief)
        {
            // Not while the shadow boots: on a slow host the packets leave it no time.
            flood.Start();
            KeepBusy(runs);
            receivedBefore = ReadReceived();
            InMemoryBefore = LastInMemory();
        }
        Switch();
        Held = WaitForLooks(isBrief ? 1 : 2);
        guest.Run("shadowctl finish", Long);
        if (!isBrief)
            LookAtDevices(receivedBefore);
        HeldAtEnd = WaitForLooks(1);
        if (!isBrief)
        {
            guest.Run($"dma stray {Before.First(device => device.Id == EduId).Address} $(cut -d' ' -f1 /run/held | head -1)", Limit);
            HeldAfterStray = WaitForLooks(1);
        }
        WriteLate(ulong.Parse(runs[0].Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture) * PageBytes);
        if (machine.Options.Iommu == IommuKind.None)
            SwitchUnasked();
    }

    private void UseDevices()
    {
        PlacesBefore = guest.Run(Resources, Limit);
        Before = DeviceState.Parse(guest.Run(Check, Limit));
        guest.Run($"ip link set {Interface} up", Limit);
    }

    private void KeepBusy(MatchCollection runs)
    {
        string devices = string.Join(' ', Before.Where(device => device.Id == EduId).Select(device => device.Address));
        if (!runs.Any(run => Use(devices, run.Groups[1].Value, run.Groups[2].Value)))
            throw new BenchException("None of the memory that the new system holds could be had.");
        guest.Run("until [ $(sed -n 's/transfers=\\([0-9]*\\) .*/\\1/p' /tmp/edu | tail -1) -ge 64 ]; do sleep 1; done 2>/dev/null", Limit);
        Match transfers = Regex.Match(guest.Run("tail -1 /tmp/edu", Limit), @"transfers=(\d+) arrived=(\d+)");
        Transfers = (int.Parse(transfers.Groups[1].Value), int.Parse(transfers.Groups[2].Value));
    }

    private void LookAtDevices(long receivedBefore)
    {
        guest.Run("sleep 3", Limit);
        PlacesFound = guest.Run(Resources, Limit);
        Found = DeviceState.Parse(guest.Run(Check, Limit));
        KernelLog = guest.Run("dmesg | grep -e 'Enhanced Allocation' -e 'BAR [0-9]' || true", Limit);
        guest.Run($"ip link set {Interface} up; until [ $(cat /sys/class/net/{Interface}/statistics/rx_packets) -gt 0 ]; do sleep 1; done", Limit);
        Received = (receivedBefore, ReadReceived());
    }

    private void SwitchUnasked()
    {
        guest.Run("rm /etc/rc.d/hold; echo rescan = no >>/etc/shadowreboot.conf; sync", Limit);
        guest.Run("shadowctl start --cold && shadowctl wait --timeout 300", Long);
        guest.Begin("shadowctl switch");
        WaitForTrace("Hv: the OS is told of its devices");
        machine.Console.Send("\n");
        guest.LogIn(Limit);
        guest.Run($"until [ {Interface} ]; do sleep 1; done; sleep 3", Limit);
        PlacesUnasked = guest.Run(Resources, Limit);
        FoundUnasked = DeviceState.Parse(guest.Run(Check, Limit));
    }

    private void WriteLate(ulong held)
    {
        // It would put right what has become wrong.
        guest.Run("killall -STOP dma", Limit);
        Devices = guest.Run("shadowctl status --devices", Limit);
        EduDevice quiet = FindEdu(QuietEdu);
        quiet.ReadFrom(held, Limit);
        OfRestless = WriteLate(FindEdu(RestlessEdu), held);
        ToHv = [.. ClosedPages().Select(page => WriteLate(quiet, page))];
        OfQuiet = WriteLate(quiet, held + PageBytes);
        Status = JsonNode.Parse(guest.Run("shadowctl status --json", Limit))!;
        if (ClosedRanges().Select(range => range.Start).FirstOrDefault(start => start >= (ulong)MemoryMiB << 20) is > 0 and var registers)
            SeenRegister = guest.Run($"devmem 0x{registers:x} 64", Limit).Trim();
    }

    private EduDevice FindEdu(int slot)
    {
        string registers = guest.Run($"cut -d' ' -f1 /sys/bus/pci/devices/0000:00:{slot:x2}.0/resource | head -1", Limit);
        string configuration = guest.Run("sed -n 's/^ *\\([0-9a-f]*\\)-.*MMCONFIG.*/\\1/p' /proc/iomem | head -1", Limit);
        return new EduDevice(machine.Bus, Convert.ToUInt64(configuration.Trim(), 16) + (ulong)slot * 8 * PageBytes, Convert.ToUInt64(registers.Trim(), 16));
    }

    // The first page of Hv's region (the header of its image) and the last one of each part of the pool: nobody writes there by now.
    private IEnumerable<ulong> ClosedPages() => ClosedRanges().Where(range => range.Start < (ulong)MemoryMiB << 20)
        .Select((range, index) => index == 0 ? range.Start : range.End - PageBytes);

    // Hv names them only if there is a remapping unit.
    private IEnumerable<(ulong Start, ulong End)> ClosedRanges() => Regex.Matches(machine.ReadHvLog(), "closed to devices from 0x([0-9a-f]+) to 0x([0-9a-f]+)", RegexOptions.IgnoreCase)
        .Select(match => (Convert.ToUInt64(match.Groups[1].Value, 16), Convert.ToUInt64(match.Groups[2].Value, 16)));

    private LateWrite WriteLate(EduDevice device, ulong target)
    {
        byte[] before = ReadPage(target);
        device.WriteTo(target, Limit);
        bool arrived = !before.AsSpan().SequenceEqual(ReadPage(target));
        JsonNode remapping = JsonNode.Parse(guest.Run("shadowctl status --json", Limit))!["dma_remapping"]!;
        return new LateWrite(target, arrived, (long)remapping["faults"]!, (string?)remapping["last_fault"]?["device"], (string?)remapping["last_fault"]?["address"]);
    }

    private byte[] ReadPage(ulong address)
    {
        string file = Path.Combine(machine.Options.RunFolder, "page");
        machine.Qmp.SaveMemory(address, PageBytes, file);
        byte[] page = File.ReadAllBytes(file);
        File.Delete(file);
        return page;
    }

    private bool Use(string devices, string first, string last)
    {
        string shown = guest.Run($"dma edu {TakenMiB} {first} {last} {devices} >/tmp/edu 2>&1 & until grep -q targets= /tmp/edu; do sleep 1; done; cat /tmp/edu", Limit);
        return !shown.Contains("targets=0", StringComparison.Ordinal);
    }

    private long ReadReceived() => long.Parse(guest.Run($"cat /sys/class/net/{Interface}/statistics/rx_packets", Limit));

    private void Switch()
    {
        EduDevice? restless = machine.Options.Iommu == IommuKind.None ? null : FindEdu(RestlessEdu);
        guest.Begin("shadowctl switch");
        WaitForTrace("Hv: switching", restless);
        WaitForTrace("Hv: devices are quiet", restless);
        long whenQuiet = flood.Sent;
        WaitForTrace("Hv: switched");
        if (!isBrief)
        {
            Thread.Sleep(After);
            flood.Stop();
            Packets = (whenQuiet, flood.Sent, LastInMemory());
        }
        machine.Console.Send("\n");
        guest.LogIn(Limit);
    }

    // The device that is restless becomes a bus master again whenever Hv has stopped it.
    private void WaitForTrace(string line, EduDevice? restless = null)
    {
        for (TimeSpan end = machine.Clock.Elapsed + Limit; !machine.ReadHvLog().Contains(line, StringComparison.Ordinal); Thread.Sleep(restless is null ? Poll : TimeSpan.Zero))
        {
            restless?.BecomeBusMaster();
            if (machine.Clock.Elapsed > end || machine.HasExited)
                throw machine.Console.Failure($"Hv does not say '{line}'.");
        }
    }

    private long LastInMemory()
    {
        long last = 0;
        machine.Pause();
        string dump = Path.Combine(machine.Options.RunFolder, "memory");
        for (int at = 0; at < MemoryMiB; at += DumpedMiB)
        {
            machine.Qmp.SaveMemory((ulong)at << 20, DumpedMiB << 20, dump);
            last = Math.Max(last, PacketFlood.FindLast(File.ReadAllBytes(dump)));
        }
        File.Delete(dump);
        machine.Resume();
        return last;
    }

    // Counted from the first look of which it is known that it began after this call.
    private (int Looks, int Wrong) WaitForLooks(int count)
    {
        (int first, _) = ReadHeld();
        for (TimeSpan end = machine.Clock.Elapsed + Limit; machine.Clock.Elapsed < end; guest.Run("sleep 2", Limit))
        {
            (int looks, int wrong) = ReadHeld();
            if (looks - first > count)
                return (looks - first - 1, wrong);
        }
        throw new BenchException("The memory that is held is not looked at.");
    }

    private (int Looks, int Wrong) ReadHeld()
    {
        Match match = Regex.Match(guest.Run("cat /run/held.result", Limit), @"looks=(\d+) pages=\d+ wrong=(\d+)");
        return (int.Parse(match.Groups[1].Value), int.Parse(match.Groups[2].Value));
    }
}
