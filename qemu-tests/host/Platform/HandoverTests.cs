using System;
using System.Collections.Generic;
using Hv.Drivers.Platform;
using Hv.Kernel;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>Capture, commit, copy and reset of a whole platform; and that no access does harm.</summary>
public sealed class HandoverTests
{
    private const ulong ApicPage = 0xFEE0_0000;

    private static readonly int[] Sizes = [1, 2, 4, 8];

    private static PlatformConfiguration Configuration(bool x2Apic = true) => new()
    {
        ApicIds = [2, 3, 0x41],
        ApicBusHertz = 100_000_000,
        TscHertz = 2_903_104_719,
        HasX2Apic = x2Apic,
        HasTscDeadline = true,
        IoApicAddress = PlatformConfiguration.UsualIoApicAddress,
        HpetAddress = PlatformConfiguration.UsualHpetAddress,
        EcamAddress = 0xB000_0000,
        EcamBuses = 256,
        Acpi = LegacyDeviceTests.SampleConfiguration(),
    };

    /// <summary>
    /// What a commit cannot bring into the real devices, or does not by design: see the remarks of each Commit. Derived state, phases within a
    /// tick of periodic timers, levels of wires, data in flight, and the memory of a software interface (what ICR was written last).
    /// </summary>
    private static readonly HashSet<string> NotCommitted =
    [
        "LocalApic._command", "LocalApic._errorStatus", "LocalApic._newErrors", "LocalApic._triggers", "LocalApic._requests", "LocalApic._clock", "LocalApic._nmi",
        "LocalApic.<WaitsForStartUp>k__BackingField", "LocalApic._startUpVector",
        "ApicTimer._start", "ApicTimer._initial", "ApicTimer.TscBase",
        "IoApic._levels", "IoApic._bus", "ApicBus._wanted", "IoApic._version",
        "PicChip._request", "PicChip._lines", "PicChip._needsIcw4", "PicChip._single", "PicChip._readService",
        "PlatformInterrupts._asserted", "PlatformInterrupts._direct", "PlatformInterrupts._intr",
        "GsiLine._wanted", "GsiLine._hub",
        "PitChannel._start", "PitChannel._frozen", "PitChannel._reload", "PitChannel._gate", "PitChannel._latch", "PitChannel._status", "PitChannel._lowWritten",
        "PitChannel._latchedBytes", "PitChannel._statusLatched", "PitChannel._highNextRead", "PitChannel._highNextWrite", "PitChannel._loaded", "PitChannel._counting",
        "Pit8254._nextRise",
        "Rtc._memory", "Rtc._written", "Rtc._flags", "Rtc._base1970", "Rtc._basePhase", "Rtc._seenSecond", "Rtc._seenTick", "Rtc._index", "Rtc._upperIndex",
        "HpetComparator._valueSet", "HpetComparator.Period", "HpetComparator.MatchTick", "Hpet._status", "Hpet._enabledAt", "Hpet._counterBase",
        "I8042._keyboard", "I8042._mouse", "I8042._awaits", "I8042._lastWasCommand", "I8042._outputPort", "I8042._full", "I8042._fromMouse", "I8042._data",
        "I8042._answer", "I8042._hasAnswer",
        "Uart16550._fifo", "Uart16550._head", "Uart16550._count", "Uart16550._lineErrors", "Uart16550._modemDelta", "Uart16550._fifoControl",
        "SerialLog._ring", "SerialLog.<Written>k__BackingField",
        "ResetPorts._control", "ResetPorts._systemControl", "ResetLatch.<Request>k__BackingField",
        "AcpiPm._status", "AcpiPm._smiCommand", "AcpiPm._timerOffset", "AcpiPm._seenTimer", "AcpiPm.<LastSleepType>k__BackingField",
        "VirtualPlatform.<UnknownPortAccesses>k__BackingField", "VirtualPlatform.<Clock>k__BackingField",
    ];

    [Fact]
    public void What_is_committed_is_what_a_capture_finds()
    {
        var random = new Random(42);
        for (int round = 0; round < 400; round++)
        {
            var clock = new VirtualClock { Now = (ulong)random.NextInt64(1, 1L << 50) };
            PlatformConfiguration configuration = Configuration();
            var before = new VirtualPlatform(clock, configuration);
            Scramble(before, random, 400);
            MakeCommittable(before, random);
            clock.Now += (ulong)random.Next(1_000_000);
            var hardware = new ModelHardware(clock, configuration);
            Scramble(hardware.Machine, random, 300);
            MakeCommittable(hardware.Machine, random);
            DrainRequests(hardware.Machine);
            // Hv runs on the real processors.
            foreach (LocalApic apic in hardware.Machine.Interrupts.LocalApics)
                apic.WaitsForStartUp = false;

            Commit(before, hardware);
            var after = new VirtualPlatform(clock, configuration);
            // What an observing model would know.
            after.Interrupts.Pic.CopyFrom(before.Interrupts.Pic);
            after.Capture(hardware.Real);
            for (int i = 0; i < after.Interrupts.ProcessorCount; i++)
                after.CaptureLocal(i, hardware.Processors[i]);
            AssertNone(StateDifference.Find(before, after, NotCommitted));
            Assert.Equal(before.Hpet.ReadMmio(0xF0, 8), after.Hpet.ReadMmio(0xF0, 8));
            for (int i = 0; i < after.Interrupts.ProcessorCount; i++)
            {
                for (uint word = 0; word < 8; word++)
                {
                    uint edges = Register(before, i, 0x20 + word) & ~Register(before, i, 0x18 + word);
                    Assert.Equal(edges, Register(after, i, 0x20 + word) & edges);
                }
            }
        }
    }

    [Fact]
    public void A_one_shot_APIC_timer_goes_on_with_the_count_that_is_left()
    {
        var clock = new VirtualClock();
        VirtualPlatform before = Enabled(clock);
        Apic(before, 0x3E0, 0xB);
        Apic(before, 0x320, 0x41);
        Apic(before, 0x380, 1_000_000);
        clock.Now = 4_000_000;
        ulong due = before.NextEvent;
        var hardware = new ModelHardware(clock, Configuration());
        Commit(before, hardware);
        Assert.Equal(due, hardware.Machine.NextEvent);
        clock.Now = due;
        hardware.Machine.Advance();
        Assert.True(hardware.Machine.Interrupts.TryGetVector(0, out byte vector));
        Assert.Equal(0x41, vector);
    }

    [Fact]
    public void Pending_edges_are_raised_again_and_pending_levels_come_back_from_their_line()
    {
        var clock = new VirtualClock();
        VirtualPlatform before = Enabled(clock);
        IoEntry(before, 20, 0x8077);
        before.Interrupts.SendMessage(0xFEE0_2000, 0x65);
        before.Interrupts.SetGsi(20, true);
        var hardware = new ModelHardware(clock, Configuration());
        hardware.Machine.Interrupts.SetGsi(20, true);
        Take(before, 0x77);
        Apic(before, 0xB0, 0);
        before.Interrupts.SetGsi(20, false);
        Take(before, 0x77);
        Apic(before, 0xB0, 0);
        Assert.True(before.IsIdle);
        Commit(before, hardware);
        Take(hardware.Machine, 0x77);
        Apic(hardware.Machine, 0xB0, 0);
        hardware.Machine.Interrupts.SetGsi(20, false);
        Take(hardware.Machine, 0x77);
        Apic(hardware.Machine, 0xB0, 0);
        Take(hardware.Machine, 0x65);
    }

    [Fact]
    public void A_commit_leaves_no_interrupt_that_the_guest_did_not_have()
    {
        var clock = new VirtualClock { Now = 5_000_000_000 };
        VirtualPlatform before = Enabled(clock);
        for (int pin = 0; pin < 24; pin++)
            IoEntry(before, pin, 0x30u + (uint)pin);
        var hardware = new ModelHardware(clock, Configuration());
        Scramble(hardware.Machine, new Random(5), 2000);
        MakeCommittable(hardware.Machine, new Random(5));
        DrainRequests(hardware.Machine);
        hardware.Machine.Interrupts.LocalApic.AcknowledgeNmi();
        Commit(before, hardware);
        Assert.False(hardware.Machine.Interrupts.HasPendingInterrupt(0));
        Assert.False(hardware.Machine.Interrupts.HasPendingNmi(0));
    }

    [Theory]
    [InlineData(0x30)]
    [InlineData(0x38)]
    public void A_one_shot_of_the_8254_goes_on_with_the_count_that_is_left(byte control)
    {
        var clock = new VirtualClock();
        VirtualPlatform before = Enabled(clock);
        before.WritePort(0x43, 1, control);
        before.WritePort(0x40, 1, 0x00);
        before.WritePort(0x40, 1, 0x80);
        ulong due = before.NextEvent;
        clock.Now = due / 3;
        var hardware = new ModelHardware(clock, Configuration());
        Commit(before, hardware);
        Assert.InRange(hardware.Machine.NextEvent, due - 2000, due + 2000);
        clock.Now = due + 10_000;
        before.Advance();
        hardware = new ModelHardware(clock, Configuration());
        Commit(before, hardware);
        Assert.Equal(VirtualClock.Never, hardware.Machine.NextEvent);
    }

    [Fact]
    public void A_boot_snapshot_finds_the_timer_interrupt_of_the_firmware()
    {
        var clock = new VirtualClock { Now = 7_000_000_000 };
        var hardware = new ModelHardware(clock, Configuration());
        byte[] writes = [0x20, 0x11, 0x21, 0x68, 0x21, 0x04, 0x21, 0x01, 0xA0, 0x11, 0xA1, 0x70, 0xA1, 0x02, 0xA1, 0x01,
            0x21, 0xFE, 0xA1, 0xFF, 0x43, 0x36, 0x40, 0x9C, 0x40, 0x2E];
        for (int i = 0; i < writes.Length; i += 2)
            hardware.Machine.WritePort(writes[i], 1, writes[i + 1]);
        Apic(hardware.Machine, 0xF0, 0x10F);
        Apic(hardware.Machine, 0x350, 0x700);
        clock.Now += 3_333_333;
        var snapshot = new VirtualPlatform(clock, Configuration());
        snapshot.AssumeFirmware();
        snapshot.Capture(hardware.Real);
        snapshot.CaptureLocal(0, hardware.Real);
        Assert.InRange(snapshot.NextEvent, hardware.Machine.NextEvent - 2000, hardware.Machine.NextEvent + 2000);
        var shadow = new VirtualPlatform(clock, Configuration());
        for (int boot = 0; boot < 3; boot++)
        {
            clock.Now += 60_000_000_000;
            shadow.CopyFrom(snapshot);
            shadow.Advance();
            for (int tick = 0; tick < 5; tick++)
            {
                Take(shadow, 0x68);
                shadow.WritePort(0x20, 1, 0x20);
                Assert.False(shadow.Interrupts.HasPendingInterrupt(0));
                Assert.InRange(shadow.NextEvent - clock.Now, 1ul, 10_001_000ul);
                clock.Now = shadow.NextEvent;
                shadow.Advance();
            }
        }
    }

    [Fact]
    public void Time_of_day_and_memory_that_the_guest_did_not_write_are_not_committed()
    {
        var clock = new VirtualClock();
        VirtualPlatform before = Enabled(clock);
        var hardware = new ModelHardware(clock, Configuration());
        hardware.Machine.Rtc.SetTimeOfDay(1_700_000_000);
        Cmos(hardware.Machine, 0x40, 0x11);
        Cmos(hardware.Machine, 0x41, 0x22);
        before.Rtc.Capture(hardware.Real.Ports);
        Assert.Equal(1_700_000_000, before.Rtc.TimeOfDay);
        before.Rtc.SetTimeOfDay(5);
        Cmos(before, 0x41, 0x33);
        Cmos(hardware.Machine, 0x40, 0x99);
        Cmos(before, 10, 0x28);
        Cmos(before, 5, 0x07);
        Commit(before, hardware);
        Assert.Equal(1_700_000_000, hardware.Machine.Rtc.TimeOfDay);
        Assert.Equal(0x99u, Cmos(hardware.Machine, 0x40));
        Assert.Equal(0x33u, Cmos(hardware.Machine, 0x41));
        Assert.Equal(0x28u, Cmos(hardware.Machine, 10) & 0x7F);
        Assert.Equal(0x07u, Cmos(hardware.Machine, 5));
    }

    [Fact]
    public void Keyboard_settings_reach_the_real_keyboard_and_mouse()
    {
        var clock = new VirtualClock();
        VirtualPlatform before = Enabled(clock);
        var hardware = new ModelHardware(clock, Configuration());
        foreach (byte value in (byte[])[0xED, 0x02, 0xF3, 0x05, 0xF0, 0x01])
        {
            before.WritePort(0x60, 1, value);
            Drain(before);
        }
        foreach (byte value in (byte[])[0xE8, 0x03, 0xF3, 0x3C, 0xF4])
        {
            before.WritePort(0x64, 1, 0xD4);
            before.WritePort(0x60, 1, value);
            Drain(before);
        }
        before.WritePort(0x64, 1, 0x60);
        before.WritePort(0x60, 1, 0x43);
        Commit(before, hardware);
        var ignored = new HashSet<string>
        {
            "I8042._irq1", "I8042._irq12", "I8042._latch", "I8042._lastWasCommand", "I8042._data", "I8042._fromMouse", "I8042._answer",
            "Ps2Device._queue", "Ps2Device._head", "Ps2Device._lastSent",
        };
        AssertNone(StateDifference.Find(before.Keyboard, hardware.Machine.Keyboard, ignored));
    }

    [Fact]
    public void A_machine_without_a_keyboard_controller_has_none_here_either()
    {
        var clock = new VirtualClock();
        VirtualPlatform platform = Enabled(clock);
        platform.Keyboard.Capture(new AbsentPorts());
        Assert.Equal(0xFFu, platform.ReadPort(0x64, 1));
        platform.WritePort(0x64, 1, 0xFE);
        Assert.Equal(ResetRequest.None, platform.ResetRequest);
        platform.Keyboard.Commit(new AbsentPorts());
    }

    [Fact]
    public void A_snapshot_can_be_restored_any_number_of_times()
    {
        var random = new Random(77);
        var clock = new VirtualClock { Now = 1_000_000 };
        PlatformConfiguration configuration = Configuration();
        var snapshot = new VirtualPlatform(clock, configuration);
        var platform = new VirtualPlatform(clock, configuration);
        Scramble(snapshot, random, 3000);
        var ignored = new HashSet<string>
        {
            "SerialLog._ring", "SerialLog.<Written>k__BackingField", "VirtualPlatform.<UnknownPortAccesses>k__BackingField",
            "ResetLatch.<Request>k__BackingField", "PlatformInterrupts._asserted", "PlatformInterrupts._direct", "IoApic._levels",
            "PicChip._lines", "PicChip._request", "GsiLine._wanted", "PlatformInterrupts._intr", "PlatformInterrupts._extIntTold", "ApicBus._wanted",
        };
        snapshot.Interrupts.SetGsi(0, false);
        for (int round = 0; round < 20; round++)
        {
            Scramble(platform, random, 1000);
            for (int gsi = 0; gsi < 24; gsi++)
            {
                snapshot.Interrupts.SetGsi(gsi, false);
                platform.Interrupts.SetGsi(gsi, false);
            }
            platform.CopyFrom(snapshot);
            List<string> differences = StateDifference.Find(snapshot, platform, ignored);
            // A level that the restored devices assert is delivered at once.
            differences.RemoveAll(d => d.Contains("requests") || d.Contains("triggers") || d.Contains("entries"));
            AssertNone(differences);
            Assert.Equal(ResetRequest.None, platform.ResetRequest);
        }
    }

    [Fact]
    public void Reset_gives_the_power_on_state()
    {
        var random = new Random(78);
        var clock = new VirtualClock { Now = 1_000_000 };
        var fresh = new VirtualPlatform(clock, Configuration());
        var platform = new VirtualPlatform(clock, Configuration());
        Scramble(platform, random, 3000);
        for (int gsi = 0; gsi < 24; gsi++)
            platform.Interrupts.SetGsi(gsi, false);
        platform.Reset();
        var ignored = new HashSet<string>
        {
            "Rtc._memory", "Rtc._written", "Rtc._base1970", "Rtc._basePhase", "Rtc._seenSecond", "Rtc._seenTick", "LocalApic._version", "ApicTimer._start",
            "SerialLog._ring", "SerialLog.<Written>k__BackingField", "VirtualPlatform.<UnknownPortAccesses>k__BackingField",
            "AcpiPm._seenTimer", "Uart16550._fifo", "I8042._data", "Ps2Device._queue", "Ps2Device._head", "PitChannel._start", "PitChannel._gate",
            "Hpet._enabledAt",
        };
        AssertNone(StateDifference.Find(fresh, platform, ignored));
    }

    [Fact]
    public void Unknown_ports_read_ones_and_are_counted()
    {
        VirtualPlatform platform = Enabled(new VirtualClock());
        Assert.Equal(0xFFFFu, platform.ReadPort(0x1234, 2));
        Assert.Equal(0xFFu, platform.ReadPort(0x80, 1));
        platform.WritePort(0x300, 1, 5);
        Assert.Equal(3ul, platform.UnknownPortAccesses);
        Assert.Equal(uint.MaxValue, platform.ReadPort(0xFFFE, 4));
    }

    [Fact]
    public void Registers_are_found_at_their_addresses()
    {
        VirtualPlatform platform = Enabled(new VirtualClock());
        (ulong Address, object Device)[] expected =
        [
            (0xFEE0_0030, platform.Interrupts.LocalApic), (0xFEC0_0010, platform.Interrupts.IoApic),
            (0xFED0_00F0, platform.Hpet), (0xB010_0000, platform.Pci),
        ];
        foreach ((ulong address, object device) in expected)
        {
            Assert.True(platform.TryFindMmio(new GuestPhysical(address), 0, out var found, out ulong offset));
            Assert.Same(device, found);
            Assert.Equal(address & 0x1F_FFFF & (device == platform.Pci ? ulong.MaxValue : 0xFFF), offset);
        }
        Assert.False(platform.TryFindMmio(new GuestPhysical(0xFED0_0400), 0, out _, out _));
        platform.Interrupts.LocalApic.WriteMsr(0x1B, 0xFEE0_0D00);
        Assert.False(platform.TryFindMmio(new GuestPhysical(0xFEE0_0030), 0, out _, out _));
    }

    [Fact]
    public void No_sequence_of_accesses_does_harm()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(1000 + seed);
            var clock = new VirtualClock { Now = seed % 2 == 0 ? 0 : ulong.MaxValue >> 4 };
            var platform = new VirtualPlatform(clock, Configuration(seed % 3 != 0));
            Scramble(platform, random, 20_000);
        }
    }

    [Fact]
    public void The_next_event_is_never_due_after_it_was_run()
    {
        var random = new Random(9);
        var clock = new VirtualClock();
        var platform = new VirtualPlatform(clock, Configuration());
        for (int i = 0; i < 20_000; i++)
        {
            Touch(platform, random);
            clock.Now += (ulong)random.Next(100_000);
            platform.Advance();
            Assert.True(platform.NextEvent > clock.Now, "an event stays due");
            if (platform.NextEvent != VirtualClock.Never && random.Next(2) == 0 && platform.NextEvent < clock.Now + 1_000_000_000)
            {
                clock.Now = platform.NextEvent;
                platform.Advance();
                Assert.True(platform.NextEvent > clock.Now, "an event stays due");
            }
        }
    }

    private sealed class AbsentPorts : Hv.Kernel.Io.PortDevice
    {
        public override uint ReadPort(ushort port, int size) => uint.MaxValue;

        public override void WritePort(ushort port, int size, uint value)
        {
        }
    }

    private static void AssertNone(List<string> differences) => Assert.True(differences.Count == 0, string.Join("\n", differences));

    private static VirtualPlatform Enabled(VirtualClock clock)
    {
        var platform = new VirtualPlatform(clock, Configuration());
        Apic(platform, 0xF0, 0x1FF);
        return platform;
    }

    private static void Apic(VirtualPlatform platform, uint offset, uint value) => platform.Interrupts.LocalApic.WriteMmio(offset, 4, value);

    private static void IoEntry(VirtualPlatform platform, int pin, uint value)
    {
        platform.Interrupts.IoApic.WriteMmio(0, 4, 0x11 + 2 * (uint)pin);
        platform.Interrupts.IoApic.WriteMmio(0x10, 4, 2u << 24);
        platform.Interrupts.IoApic.WriteMmio(0, 4, 0x10 + 2 * (uint)pin);
        platform.Interrupts.IoApic.WriteMmio(0x10, 4, value);
    }

    private static void Take(VirtualPlatform platform, int vector)
    {
        Assert.True(platform.Interrupts.HasPendingInterrupt(0));
        Assert.Equal(vector, platform.Interrupts.Acknowledge(0));
    }

    private static void Commit(VirtualPlatform platform, ModelHardware hardware)
    {
        platform.BeginCommit(hardware.Real);
        for (int i = 0; i < platform.Interrupts.ProcessorCount; i++)
            platform.CommitLocal(i, hardware.Processors[i]);
        platform.EndCommit(hardware.Real);
    }

    private static void Drain(VirtualPlatform platform)
    {
        while ((platform.ReadPort(0x64, 1) & 1) != 0)
            platform.ReadPort(0x60, 1);
    }

    private static uint Cmos(VirtualPlatform platform, uint register)
    {
        platform.WritePort(0x70, 1, register);
        return platform.ReadPort(0x71, 1);
    }

    private static void Cmos(VirtualPlatform platform, uint register, byte value)
    {
        platform.WritePort(0x70, 1, register);
        platform.WritePort(0x71, 1, value);
    }

    /// <summary>A local APIC register, in whatever mode the APIC is; 0 if it is off.</summary>
    private static uint Register(VirtualPlatform platform, int processor, uint number)
    {
        LocalApic apic = platform.Interrupts.LocalApics[processor];
        if (apic.IsX2Apic)
            return apic.ReadMsr(0x800 + number, out ulong value) ? (uint)value : 0;
        return apic.AnswersMmio ? (uint)apic.ReadMmio(number * 16, 4) : 0;
    }

    private static void Scramble(VirtualPlatform platform, Random random, int accesses)
    {
        for (int i = 0; i < accesses; i++)
        {
            Touch(platform, random);
            if (random.Next(4) == 0)
            {
                platform.Clock.Now += (ulong)random.Next(1 << random.Next(1, 30));
                platform.Advance();
                _ = platform.NextEvent;
            }
        }
    }

    /// <summary>One random access, most of them to something that exists.</summary>
    private static void Touch(VirtualPlatform platform, Random random)
    {
        ushort[] ports =
        [
            0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x72, 0x73, 0x60, 0x64, 0x92, 0xCF9, 0xB2,
            0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD, 0x3FE, 0x3FF, 0x600, 0x602, 0x604, 0x608, 0x620, 0x628, 0xCF8, 0xCFC,
        ];
        ulong noise = (ulong)random.NextInt64() ^ (ulong)random.NextInt64() << 1;
        if (random.Next(3) == 0)
            noise &= 0xFF;
        int size = Sizes[random.Next(4)];
        ulong offset = (ulong)(random.Next(4) == 0 ? random.Next(0x1000) : random.Next(0x40) * 16);
        // The first is touched most, as the others spend much time waiting for a start-up message.
        int processor = Math.Max(random.Next(-2, platform.Interrupts.ProcessorCount), 0);
        LocalApic local = platform.Interrupts.LocalApics[processor];
        switch (random.Next(13))
        {
            case 0:
            case 1:
            case 2:
                ushort port = random.Next(20) == 0 ? (ushort)noise : ports[random.Next(ports.Length)];
                platform.WritePort(port, random.Next(4) == 0 ? Math.Min(size, 4) : 1, (uint)noise);
                break;
            case 3:
                platform.ReadPort(ports[random.Next(ports.Length)], Math.Min(size, 4));
                break;
            case 4:
                if (platform.TryFindMmio(new GuestPhysical(ApicPage + offset), processor, out var apic, out ulong within))
                    apic!.WriteMmio(within, random.Next(3) == 0 ? size : 4, offset == 0x380 ? noise & 0xFFFFF : noise);
                break;
            case 5:
                local.ReadMmio(random.Next(30) == 0 ? noise : offset, size);
                break;
            case 6:
                uint msr = random.Next(8) == 0 ? 0x1B : random.Next(8) == 0 ? 0x6E0 : 0x800 + (uint)random.Next(0x40);
                ulong value = msr != 0x1B ? noise : 0xFEE0_0100 | ((ulong)random.Next(1, 4) << 10);
                if (msr == 0x1B || random.Next(2) == 0)
                    local.WriteMsr(msr, value);
                else
                    local.ReadMsr(msr, out _);
                break;
            case 7:
                platform.Interrupts.IoApic.WriteMmio(0, 4, (uint)random.Next(0x48));
                platform.Interrupts.IoApic.WriteMmio(0x10, 4, noise);
                platform.Interrupts.IoApic.ReadMmio(offset & 0x4F, size);
                break;
            case 8:
                platform.Hpet.WriteMmio((ulong)random.Next(0x30) * 8, random.Next(2) == 0 ? 4 : 8, random.Next(2) == 0 ? noise & 0xFFFF : noise);
                platform.Hpet.ReadMmio(offset, size);
                break;
            case 9:
                platform.Interrupts.SetGsi(random.Next(-1, 26), random.Next(2) == 0);
                platform.Interrupts.SetIsaLine(random.Next(-1, 18), random.Next(2) == 0);
                break;
            case 10:
                platform.Interrupts.SendMessage(0xFEE0_0000 | (noise & 0xF_FFFC), (uint)(noise >> 20));
                platform.Pci.WriteMmio(noise & 0xFFF_FFFF, size, noise);
                platform.Pci.ReadMmio(noise & 0xFFF_FFFF, size);
                break;
            case 11:
                _ = platform.Interrupts.TakeInit(processor);
                _ = platform.Interrupts.TakeStartUp(processor, out _);
                _ = platform.Interrupts.TakeWanted();
                platform.Interrupts.AcknowledgeNmi(processor);
                break;
            default:
                if (platform.Interrupts.HasPendingInterrupt(processor))
                    platform.Interrupts.Acknowledge(processor);
                if (random.Next(2) == 0)
                {
                    local.WriteMmio(0xB0, 4, 0);
                    local.WriteMsr(0x80B, 0);
                }
                break;
        }
    }

    /// <summary>Ends everything that is in service, and finishes half-done sequences, as a system does that is idle.</summary>
    private static void MakeCommittable(VirtualPlatform platform, Random random)
    {
        for (int gsi = 0; gsi < 24; gsi++)
            platform.Interrupts.SetGsi(gsi, false);
        foreach (LocalApic apic in platform.Interrupts.LocalApics)
        {
            _ = apic.TakeInit();
            _ = apic.TakeStartUp(out _);
            for (int i = 0; i < 300 && !apic.IsIdle; i++)
            {
                apic.WriteMmio(0xB0, 4, 0);
                apic.WriteMsr(0x80B, 0);
            }
        }
        byte master = (byte)(random.Next(32) << 3), slave = (byte)(random.Next(32) << 3), mode = (byte)(1 | random.Next(2) << 1 | random.Next(2) << 4);
        (ushort Port, byte Value)[] pic =
        [
            (0x20, 0x11), (0x21, master), (0x21, 4), (0x21, mode), (0x21, (byte)random.Next(256)), (0x20, (byte)(0xC0 | random.Next(8))),
            (0x20, (byte)(random.Next(2) << 7)), (0x20, (byte)(0x48 | random.Next(2) << 5)),
            (0xA0, 0x11), (0xA1, slave), (0xA1, 2), (0xA1, mode), (0xA1, (byte)random.Next(256)), (0xA0, (byte)(0xC0 | random.Next(8))),
        ];
        foreach ((ushort port, byte value) in pic)
            platform.WritePort(port, 1, value);
        for (uint pin = 0; pin < 24; pin++)
        {
            platform.Interrupts.IoApic.WriteMmio(0, 4, 0x10 + 2 * pin);
            uint entry = (uint)platform.Interrupts.IoApic.ReadMmio(0x10, 4);
            platform.Interrupts.IoApic.WriteMmio(0x10, 4, 0x10000);
            platform.Interrupts.IoApic.WriteMmio(0x10, 4, entry);
        }
        // The route that timers power on with is not one that can be chosen again.
        for (uint timer = 0x100; timer < 0x160; timer += 0x20)
            platform.Hpet.WriteMmio(timer, 4, (platform.Hpet.ReadMmio(timer, 4) & ~(31ul << 9)) | 2 << 9);
        platform.Advance();
        Drain(platform);
    }

    /// <summary>The real machine's handlers run, with all sources masked, until nothing waits.</summary>
    private static void DrainRequests(VirtualPlatform platform)
    {
        IoApic.MaskReal(platform.Interrupts.IoApic);
        for (int processor = 0; processor < platform.Interrupts.ProcessorCount; processor++)
        {
            LocalApic apic = platform.Interrupts.LocalApics[processor];
            if (!apic.IsOn)
                continue;
            apic.Cr8 = 0;
            for (int i = 0; i < 600 && apic.TryGetVector(out _); i++)
            {
                platform.Interrupts.Acknowledge(processor);
                apic.WriteMmio(0xB0, 4, 0);
                apic.WriteMsr(0x80B, 0);
            }
        }
    }
}
