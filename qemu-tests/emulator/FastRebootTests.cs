using System.Text.Json;
using System.Text.Json.Nodes;
using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Reboots that Hv answers itself, and those that it leaves to the hardware.</summary>
[Collection(Collections.Qemu)]
public sealed class FastRebootTests(ITestOutputHelper output)
{
    private const string Reset = "RESET";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3), Command = TimeSpan.FromSeconds(60), NetworkTime = TimeSpan.FromSeconds(30);

    // The kernel's own choice is the ACPI reset register, which is CF9h here.
    private const string Acpi = "reboot -f", Efi = "echo efi >/sys/kernel/reboot/type; reboot -f", Keyboard = "echo kbd >/sys/kernel/reboot/type; reboot -f";

    private readonly JsonArray figures = [];

    [Fact]
    public void A_reboot_is_answered_by_Hv_if_it_is_told_to_and_by_the_hardware_if_not()
    {
        using QemuMachine machine = (QemuMachine)Machine.Start(BenchKind.QemuSvm, "fast-reboot", GuestKind.Small);
        Guest guest = Guest.Create(GuestKind.Small, machine);
        try
        {
            guest.WaitUntilUp(Limit);
            guest.LogIn(Command);
            JsonObject first = guest.ReadStatus(Command);
            Assert.False((bool)first["fast_reboot"]!);
            guest.Run("shadowctl config fast-reboot on", Command);
            string[] kernels = guest.Run("ls /boot | sed -n s/^vmlinuz-//p | sort -V", Command).Split('\n');
            guest.Run($"use-kernel {kernels[^1]}", Command);
            int resets = machine.Qmp.ReadEvents().Count(name => name == Reset);

            (string Reset, bool HasShadow)[] ways = [(Acpi, false), (Acpi, true), (Efi, false), (Keyboard, false)];
            for (int i = 0; i < ways.Length; i++)
            {
                if (ways[i].HasShadow)
                    guest.Run("shadowctl start --cold && sleep 8", Command);
                TimeSpan time = Reboot(machine, guest, ways[i].Reset);
                JsonObject status = guest.ReadStatus(Command);
                Note(ways[i].Reset, isFast: true, time, (double)status["fast_reboot_seconds"]!);
                Assert.Equal(i + 1, (int)status["fast_reboots"]!);
                Assert.Equal("primary", (string?)status["role"]);
                Assert.Equal("idle", (string?)status["phase"]);
                Assert.Equal((long)first["pool_free_bytes"]!, (long)status["pool_free_bytes"]!);
                Assert.Equal(kernels[^1], guest.Run("uname -r", Command));
                Assert.NotNull(AskOverNetwork(machine));
                Assert.Equal(resets, machine.Qmp.ReadEvents().Count(name => name == Reset));
            }

            guest.Run("shadowctl config fast-reboot off", Command);
            TimeSpan ordinary = Reboot(machine, guest, Acpi);
            Note(Acpi, isFast: false, ordinary, 0);
            File.WriteAllText(Path.Combine(machine.Options.RunFolder, "reboots.json"), figures.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            Assert.Equal(resets + 1, machine.Qmp.ReadEvents().Count(name => name == Reset));
            Assert.Equal(0, (int)guest.ReadStatus(Command)["fast_reboots"]!);

            guest.Run("shadowctl config fast-reboot on", Command);
            guest.Begin("poweroff -f");
            Assert.True(machine.WaitForExit(Command), "the machine did not switch off");
        }
        catch (BenchException e)
        {
            throw machine.Explain(e);
        }
    }

    private void Note(string command, bool isFast, TimeSpan firstLine, double ofThatHv)
    {
        JsonObject figure = new()
        {
            ["reset_by"] = command, ["answered_by"] = isFast ? "hv" : "hardware",
            ["seconds_to_the_kernels_first_line"] = Math.Round(firstLine.TotalSeconds, 2), ["of_that_hv"] = Math.Round(ofThatHv, 3),
        };
        output.WriteLine(figure.ToJsonString());
        figures.Add(figure);
    }

    // From the reset to the new kernel's first line.
    private static TimeSpan Reboot(QemuMachine machine, Guest guest, string command)
    {
        string boot = guest.BootId(Command);
        TimeSpan began = machine.Clock.Elapsed;
        guest.Begin(command);
        TimeSpan first = machine.Console.Expect("Linux version", Limit).Time - began;
        guest.WaitUntilUp(Limit);
        guest.LogIn(Command);
        Assert.NotEqual(boot, guest.BootId(Command));
        return first;
    }

    private static NetworkAnswer? AskOverNetwork(QemuMachine machine)
    {
        TimeSpan end = machine.Clock.Elapsed + NetworkTime;
        NetworkAnswer? answer = null;
        while (answer is null && machine.Clock.Elapsed < end)
            answer = machine.AskOverNetwork(TimeSpan.FromSeconds(2));
        return answer;
    }
}
