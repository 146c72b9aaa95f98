using System.Text.Json.Nodes;
using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>Suspend to RAM of the machine's system, and what works when it is back.</summary>
[Collection(Collections.Qemu)]
public sealed class SuspendTests
{
    private const string MakeFile = "dd if=/dev/urandom of=/root/file bs=1M count=4 2>/dev/null; sync; md5sum /root/file",
        ReadFile = "echo 3 >/proc/sys/vm/drop_caches; md5sum /root/file";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3), Command = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(Chipset.Q35, DiskBus.Nvme, IommuKind.Vtd)]
    [InlineData(Chipset.I440Fx, DiskBus.Ahci, IommuKind.None)]
    public void The_machine_comes_back_under_Hv_with_its_disk_and_can_be_rebooted_in_the_background(Chipset chipset, DiskBus disk, IommuKind iommu)
    {
        using QemuMachine machine = (QemuMachine)Machine.Start(BenchKind.QemuSvm, "suspend", GuestKind.Small, disk, iommu: iommu, chipset: chipset);
        Guest guest = Guest.Create(GuestKind.Small, machine);
        try
        {
            guest.WaitUntilUp(Limit);
            guest.LogIn(Command);
            JsonObject before = guest.ReadStatus(Command);
            Assert.True((bool)before["suspend"]!);
            string boot = guest.BootId(Command), sum = guest.Run(MakeFile, Command);

            Suspend(machine, guest);
            Assert.Equal(boot, guest.BootId(Command));
            Assert.Equal(sum, guest.Run(ReadFile, Command));
            Assert.Equal(1, (int)guest.ReadStatus(Command)["suspends"]!);

            guest.Run("shadowctl start --cold && sleep 5", Command);
            Suspend(machine, guest);
            JsonObject status = guest.ReadStatus(Command);
            Assert.Equal("suspended", (string?)status["failure"]);
            Assert.Equal((long)before["pool_free_bytes"]!, (long)status["pool_free_bytes"]!);

            sum = guest.Run(MakeFile, Command);
            // Kernel messages of the new system would get into the commands' output.
            guest.Run(@"printf '#!/bin/sh\ndmesg -n 1\n' >/etc/rc.d/quiet; chmod +x /etc/rc.d/quiet; sync", Command);
            guest.Begin("shadowctl reboot --cold");
            WaitForSwitch(machine, guest);
            Assert.NotEqual(boot, guest.BootId(Command));
            Assert.Equal("promoted", (string?)guest.WaitUntilIdle(Limit)["role"]);
            Suspend(machine, guest);
            Assert.Equal(sum, guest.Run(ReadFile, Command));
            status = guest.ReadStatus(Command);
            Assert.Equal(3, (int)status["suspends"]!);
            Assert.Equal((string?)before["dma_remapping"]!["state"], (string?)status["dma_remapping"]!["state"]);
            Assert.Equal(iommu == IommuKind.Vtd ? "vtd" : "none", (string?)status["dma_remapping"]!["state"]);
            Assert.NotNull(machine.AskOverNetwork(Command));
            Assert.DoesNotContain("Hv fault", machine.ReadHvLog(), StringComparison.Ordinal);
        }
        catch (BenchException e)
        {
            throw machine.Explain(e);
        }
    }

    private static void WaitForSwitch(QemuMachine machine, Guest guest)
    {
        TimeSpan end = machine.Clock.Elapsed + Limit;
        while (!machine.ReadHvLog().Contains("Hv: switched", StringComparison.Ordinal) && machine.Clock.Elapsed < end)
            Thread.Sleep(50);
        // The shell of the new system shows its prompt when it is asked to.
        machine.Console.Skip();
        while (machine.Clock.Elapsed < end)
        {
            machine.Console.Send("\n");
            if (machine.Console.TryExpect(guest.Prompt, TimeSpan.FromSeconds(5), out _, out _))
            {
                guest.LogIn(Command);
                return;
            }
        }
        throw machine.Console.Failure("The switched system does not answer.");
    }

    private static void Suspend(QemuMachine machine, Guest guest)
    {
        int slept = machine.Qmp.ReadEvents().Count(name => name == "SUSPEND");
        guest.Begin("echo mem >/sys/power/state; echo A''WAKE=$?");
        machine.Qmp.WaitForEvent("SUSPEND", Command, slept);
        machine.Qmp.Execute("system_wakeup");
        machine.Console.Expect("AWAKE=0", Command);
        guest.LogIn(Command);
    }
}
