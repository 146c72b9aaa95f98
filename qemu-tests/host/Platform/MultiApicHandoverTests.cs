using System.Collections.Generic;
using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>Capture, commit and copy of a platform with several processors, each of which does its own local APIC; and their time.</summary>
public sealed class MultiApicHandoverTests
{
    private const uint SerialPin = 4, FreePin = 20;

    private static readonly PlatformConfiguration Configuration = new()
    {
        ApicIds = [0, 2, 4],
        ApicBusHertz = 1_000_000_000,
        TscHertz = 2_000_000_000,
        HasX2Apic = true,
        HasTscDeadline = true,
        IoApicAddress = PlatformConfiguration.UsualIoApicAddress,
        HpetAddress = PlatformConfiguration.UsualHpetAddress,
        Acpi = LegacyDeviceTests.SampleConfiguration(),
    };

    private readonly VirtualClock clock = new() { Now = 3_000_000_000 };
    private readonly ModelHardware hardware;
    private readonly VirtualPlatform platform;

    public MultiApicHandoverTests()
    {
        hardware = new ModelHardware(clock, Configuration);
        platform = new VirtualPlatform(clock, Configuration);
    }

    /// <summary>Orders in which things are captured: a digit is a processor, s what they share.</summary>
    public static TheoryData<string> Orders => ["s012", "012s", "2s01", "1s", "s1"];

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_edge_that_the_capture_makes_reaches_the_captured_processor(string order)
    {
        VirtualPlatform machine = hardware.Machine;
        Enable(machine);
        Pin(machine, SerialPin, 0x34, 2);
        machine.WritePort(0x3FC, 1, 0x08);
        machine.WritePort(0x3F9, 1, 0x02);
        machine.ReadPort(0x3FA, 1);
        Assert.Equal(0x34, machine.Interrupts.Acknowledge(1));
        Write(machine, 1, 0xB0, 0);
        Capture(order);
        Assert.True(platform.Interrupts.TryGetVector(1, out byte vector));
        Assert.Equal(0x34, vector);
        Assert.False(platform.Interrupts.HasPendingInterrupt(0));
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void A_level_that_a_virtual_device_asserts_comes_once_at_its_processor(string order)
    {
        Enable(hardware.Machine);
        Pin(hardware.Machine, FreePin, 0x8061, 2);
        platform.Interrupts.SetGsi((int)FreePin, true);
        Capture(order);
        Assert.Equal(0x61, platform.Interrupts.Acknowledge(1));
        Assert.Equal(0xC061u, Entry(platform, FreePin));
        platform.Interrupts.SetGsi((int)FreePin, false);
        Write(platform, 1, 0xB0, 0);
        Assert.False(platform.Interrupts.HasPendingInterrupt(1));
        Assert.True(platform.IsIdle);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void What_the_virtual_wires_did_before_is_not_heard(string order)
    {
        Enable(hardware.Machine);
        Enable(platform);
        // The stale I/O APIC would hear the 8254, whose output is low here and high there.
        const ushort control = 0x43, counter = 0x40;
        const uint oneShot = 0x30;
        Pin(platform, PlatformInterrupts.TimerGsi, 0x34, 2);
        platform.WritePort(control, 1, oneShot);
        hardware.Machine.WritePort(control, 1, oneShot);
        hardware.Machine.WritePort(counter, 1, 10);
        hardware.Machine.WritePort(counter, 1, 0);
        clock.Now += 1_000_000;
        hardware.Machine.Advance();
        Capture(order, running: false);
        Assert.False(platform.Interrupts.HasPendingInterrupt(1));
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void In_service_and_requested_vectors_are_those_of_their_processor(string order)
    {
        Enable(hardware.Machine);
        hardware.Machine.Interrupts.SendMessage(0xFEE0_2000, 0x51);
        Assert.Equal(0x51, hardware.Machine.Interrupts.Acknowledge(1));
        hardware.Machine.Interrupts.SendMessage(0xFEE0_2000, 0x61);
        Capture(order);
        Assert.Equal(0x61, platform.Interrupts.Acknowledge(1));
        Write(platform, 1, 0xB0, 0);
        Assert.False(platform.IsIdle);
        Write(platform, 1, 0xB0, 0);
        Assert.True(platform.IsIdle);
    }

    [Fact]
    public void Each_processor_commits_its_own()
    {
        Enable(platform);
        for (int i = 0; i < 3; i++)
        {
            Write(platform, i, 0x80, (uint)i << 4);
            Write(platform, i, 0xD0, 0x0100_0000u << i);
            Write(platform, i, 0x320, 0x40u + (uint)i);
            Write(platform, i, 0x3E0, 0xB);
            Write(platform, i, 0x380, 1000u * (uint)(i + 1));
        }
        Pin(platform, FreePin, 0x8091, 4);
        hardware.Machine.Interrupts.SetGsi((int)FreePin, true);
        platform.Interrupts.SendMessage(0xFEE0_2000, 0x75);
        platform.BeginCommit(hardware.Real);
        // Whatever the order.
        foreach (int i in (int[])[2, 0, 1])
            platform.CommitLocal(i, hardware.Processors[i]);
        Assert.False(hardware.Machine.Interrupts.HasPendingInterrupt(2));
        platform.EndCommit(hardware.Real);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal((ulong)i << 4, Read(hardware.Machine, i, 0x80));
            Assert.Equal(0x0100_0000ul << i, Read(hardware.Machine, i, 0xD0));
            Assert.Equal(0x40ul + (ulong)i, Read(hardware.Machine, i, 0x320));
            Assert.Equal(clock.Now + 1000 * (ulong)(i + 1), hardware.Machine.Interrupts.LocalApics[i].NextEvent);
        }
        Assert.False(hardware.Machine.Interrupts.HasPendingInterrupt(0));
        Assert.Equal(0x75, hardware.Machine.Interrupts.Acknowledge(1));
        Assert.Equal(0x91, hardware.Machine.Interrupts.Acknowledge(2));
    }

    [Theory]
    [InlineData(0xFEE0_0800ul, 0xFEE0_0800ul, 0xFEE0_0800ul)]
    [InlineData(0xFEE0_0800ul, 0xFEE0_0C00ul, 0xFEE0_0800ul)]
    [InlineData(0xFEE0_0C00ul, 0xFEE0_0800ul, 0xFEE0_0C00ul)]
    [InlineData(0xFEE0_0000ul, 0xFEE0_0C00ul, 0xFEE0_0C00ul)]
    [InlineData(0xFEE0_0000ul, 0xFEE0_0800ul, 0xFEE0_0800ul)]
    [InlineData(0xFEE0_0000ul, 0xFEE0_0000ul, 0xFEE0_0800ul)]
    public void A_processor_that_waits_for_start_up_leaves_a_silent_APIC(ulong virtualBase, ulong realBase, ulong expectedBase)
    {
        Enable(platform);
        Enable(hardware.Machine);
        Write(hardware.Machine, 1, 0x320, 0x2_0040);
        Write(hardware.Machine, 1, 0x350, 0x41);
        Write(hardware.Machine, 1, 0x370, 0x42);
        Write(hardware.Machine, 1, 0x380, 1000);
        Write(hardware.Machine, 1, 0x80, 0x30);
        Base(hardware.Machine, realBase);
        Base(platform, virtualBase);
        Write(platform, 0, 0x310, 0x0200_0000);
        Write(platform, 0, 0x300, 0x4500);
        Assert.False(platform.IsIdle);
        Assert.True(platform.Interrupts.TakeInit(1));
        platform.BeginCommit(hardware.Real);
        for (int i = 0; i < 3; i++)
            platform.CommitLocal(i, hardware.Processors[i]);
        platform.EndCommit(hardware.Real);
        LocalApic real = hardware.Machine.Interrupts.LocalApics[1];
        Assert.Equal(expectedBase, real.Base);
        Assert.Equal(VirtualClock.Never, real.NextEvent);
        Assert.False(real.IsEnabled);
        Assert.True(platform.Interrupts.LocalApics[1].WaitsForStartUp);
        if (real.AnswersMmio)
        {
            foreach (uint register in (uint[])[0x320, 0x350, 0x360, 0x370])
                Assert.Equal(0x1_0000ul, Read(hardware.Machine, 1, register));
            Assert.Equal(0xFFul, Read(hardware.Machine, 1, 0xF0));
            Assert.Equal(0ul, Read(hardware.Machine, 1, 0x80));
        }
    }

    [Fact]
    public void A_copy_has_every_processors_state()
    {
        Enable(platform);
        Write(platform, 1, 0x80, 0x20);
        Write(platform, 1, 0x320, 0x44);
        Write(platform, 1, 0x380, 5000);
        platform.Interrupts.SendMessage(0xFEE0_2000, 0x75);
        platform.Interrupts.SendMessage(0xFEE0_2000, 0x400);
        Write(platform, 0, 0x310, 0x0400_0000);
        Write(platform, 0, 0x300, 0x4500);
        Write(platform, 0, 0x300, 0x4608);
        platform.Interrupts.SetTscBase(77);
        var copy = new VirtualPlatform(clock, Configuration);
        copy.CopyFrom(platform);
        Assert.Empty(StateDifference.Find(platform.Interrupts.LocalApics, copy.Interrupts.LocalApics, new HashSet<string> { "ApicBus._wanted" }));
        Assert.Equal(0b111ul, copy.Interrupts.TakeWanted());
        Assert.Equal(0x75, copy.Interrupts.Acknowledge(1));
        Assert.True(copy.Interrupts.HasPendingNmi(1));
        Assert.True(copy.Interrupts.TakeInit(2));
        Assert.True(copy.Interrupts.TakeStartUp(2, out byte vector));
        Assert.Equal(0x08, vector);
        Assert.All(copy.Interrupts.LocalApics, apic => Assert.Equal(77ul, apic.TscBase));
        // The original has kept its own.
        Assert.True(platform.Interrupts.TakeInit(2));
    }

    [Fact]
    public void A_copy_of_a_capture_that_some_processors_took_no_part_in_is_whole()
    {
        Enable(hardware.Machine);
        Pin(hardware.Machine, FreePin, 0x8061, 2);
        Capture("s1");
        var copy = new VirtualPlatform(clock, Configuration);
        copy.Interrupts.SetGsi((int)FreePin, true);
        copy.CopyFrom(platform);
        Assert.Equal(0x61, copy.Interrupts.Acknowledge(1));
    }

    [Fact]
    public void The_next_event_is_the_first_of_all()
    {
        Enable(platform);
        ulong shared = platform.NextSharedEvent;
        Assert.Equal(shared, platform.NextEvent);
        for (int i = 0; i < 3; i++)
        {
            Write(platform, i, 0x3E0, 0xB);
            Write(platform, i, 0x320, 0x60u + (uint)i);
            Write(platform, i, 0x380, 3000u - 1000u * (uint)i);
        }
        Assert.Equal(clock.Now + 1000, platform.NextEvent);
        Assert.Equal(clock.Now + 2000, platform.Interrupts.LocalApics[1].NextEvent);
        Assert.Equal(shared, platform.NextSharedEvent);
        clock.Now += 2500;
        platform.Advance();
        Assert.Equal(0b110ul, platform.Interrupts.TakeWanted());
        Assert.Equal(0x61, platform.Interrupts.Acknowledge(1));
        Assert.Equal(0x62, platform.Interrupts.Acknowledge(2));
        Assert.False(platform.Interrupts.HasPendingInterrupt(0));
        Assert.Equal(clock.Now + 500, platform.NextEvent);
    }

    private void Capture(string order, bool running = true)
    {
        foreach (char part in order)
        {
            if (part != 's')
                platform.CaptureLocal(part - '0', hardware.Processors[part - '0']);
            else if (running)
                platform.CaptureRunning(hardware.Real, hardware.Machine);
            else
                platform.Capture(hardware.Real);
        }
    }

    private static void Enable(VirtualPlatform which)
    {
        for (int i = 0; i < which.Interrupts.ProcessorCount; i++)
            Write(which, i, 0xF0, 0x1FF);
    }

    /// <summary>Brings processor 1 into the mode of a value of IA32_APIC_BASE; its registers are reset by switching off only.</summary>
    private static void Base(VirtualPlatform which, ulong value) => Assert.True(which.Interrupts.LocalApics[1].WriteMsr(0x1B, value));

    private static void Write(VirtualPlatform which, int processor, uint offset, uint value) =>
        which.Interrupts.LocalApics[processor].WriteMmio(offset, 4, value);

    private static ulong Read(VirtualPlatform which, int processor, uint offset) => which.Interrupts.LocalApics[processor].ReadMmio(offset, 4);

    private static void Pin(VirtualPlatform which, uint pin, uint entry, uint destination)
    {
        which.Interrupts.IoApic.WriteMmio(0, 4, 0x11 + 2 * pin);
        which.Interrupts.IoApic.WriteMmio(0x10, 4, destination << 24);
        which.Interrupts.IoApic.WriteMmio(0, 4, 0x10 + 2 * pin);
        which.Interrupts.IoApic.WriteMmio(0x10, 4, entry);
    }

    private static uint Entry(VirtualPlatform which, uint pin)
    {
        which.Interrupts.IoApic.WriteMmio(0, 4, 0x10 + 2 * pin);
        return (uint)which.Interrupts.IoApic.ReadMmio(0x10, 4);
    }
}
