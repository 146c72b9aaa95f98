using System;
using Hv.Drivers.Pci;
using Hv.Drivers.Platform;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class PciConfigSpaceTests
{
    /// <summary>Plain memory for a configuration space.</summary>
    private sealed class MemoryFunction : PciFunction
    {
        public readonly byte[] Bytes = new byte[4096];

        public override uint ReadConfig(int offset, int size)
        {
            uint value = 0;
            for (int i = 0; i < size; i++)
                value |= (uint)Bytes[offset + i] << (8 * i);
            return value;
        }

        public override void WriteConfig(int offset, int size, uint value)
        {
            for (int i = 0; i < size; i++)
                Bytes[offset + i] = (byte)(value >> (8 * i));
        }

        public void Set(int offset, params byte[] bytes) => bytes.CopyTo(Bytes, offset);
    }

    private sealed class Endpoint() : VirtualPciFunction(0x1B36, 0x0010, 0x010802, 1, 0, 0)
    {
        public void Describe() => DefineMemoryBar(0, 0x1000, wide: true, prefetchable: false);

        public override ulong ReadBar(int bar, ulong offset, int size) => 0x77;

        public override void WriteBar(int bar, ulong offset, int size, ulong value)
        {
        }
    }

    private readonly PciConfigSpace pci = new();

    /// <summary>A root port as the PCI Express and bridge manuals describe it: PM, MSI, Express capability with a hot-plug slot.</summary>
    private static MemoryFunction RootPort()
    {
        var real = new MemoryFunction();
        real.Set(0x00, 0x86, 0x80, 0x18, 0xA1, 0x07, 0x04, 0x10, 0x00, 0xF0, 0x00, 0x04, 0x06, 0x10, 0x00, 0x81, 0x00);
        real.Set(0x10, 0x04, 0x00, 0x00, 0xFE);
        real.Set(0x18, 0x00, 0x01, 0x02, 0x00, 0x11, 0x21, 0x00, 0x20);
        real.Set(0x20, 0x00, 0xFE, 0x10, 0xFE, 0x01, 0x80, 0x11, 0x80, 0x10, 0, 0, 0, 0x10, 0, 0, 0);
        real.Set(0x34, 0x40);
        real.Set(0x3C, 0x0B, 0x01, 0x02, 0x00);
        real.Set(0x40, 0x01, 0x50, 0x03, 0xC8, 0x08, 0x00, 0x00, 0x00);
        real.Set(0x50, 0x05, 0x60, 0x80, 0x00);
        real.Set(0x60, 0x10, 0x00, 0x42, 0x01, 0, 0, 0, 0, 0x10, 0x00, 0x01, 0x00);
        real.Set(0x74, 0x60, 0x00, 0x00, 0x00, 0xC0, 0x03, 0x48, 0x01);
        real.Set(0x100, 0x01, 0x00, 0x01, 0x00);
        return real;
    }

    [Fact]
    public void Where_nothing_is_there_are_ones()
    {
        Assert.Equal(uint.MaxValue, pci.ReadConfig(0, 0, 0, 0, 4));
        Assert.Equal(0xFFFFu, pci.ReadConfig(5, 3, 1, 0, 2));
        pci.WriteConfig(0, 0, 0, 4, 2, 7);
        pci.WritePort(0xCF8, 4, 0x8000_0000);
        Assert.Equal(0xFFu, pci.ReadPort(0xCFC, 1));
    }

    [Fact]
    public void The_ports_and_the_memory_show_the_same_function()
    {
        var endpoint = new Endpoint();
        Assert.True(pci.Add(2, 3, 1, endpoint));
        Assert.False(pci.Add(2, 3, 1, endpoint));
        pci.WritePort(0xCF8, 4, 0x8002_1908);
        Assert.Equal(0x8002_1908u, pci.ReadPort(0xCF8, 4));
        Assert.Equal(0x0108_0201u, pci.ReadPort(0xCFC, 4));
        Assert.Equal(0x0108u, pci.ReadPort(0xCFE, 2));
        Assert.Equal(0x01u, pci.ReadPort(0xCFF, 4));
        Assert.Equal(0x0010_1B36ul, pci.ReadMmio(2 << 20 | 3 << 15 | 1 << 12, 4));
        Assert.Equal(0x0010_1B36ul, pci.ReadMmio(2 << 20 | 3 << 15 | 1 << 12, 8));
        pci.WritePort(0xCF8, 4, 0x0002_1908);
        Assert.Equal(uint.MaxValue, pci.ReadPort(0xCFC, 4));
        pci.WritePort(0xCF8, 2, 0x1234);
        Assert.Equal(0x0002_1908u, pci.ReadPort(0xCF8, 4));
    }

    [Fact]
    public void A_virtual_function_is_found_at_its_BAR()
    {
        var endpoint = new Endpoint();
        endpoint.Describe();
        pci.Add(0, 4, 0, endpoint);
        pci.WriteConfig(0, 4, 0, 0x10, 4, 0xFEA0_0000);
        pci.WriteConfig(0, 4, 0, 0x04, 2, 2);
        Assert.True(pci.TryFindMmio(new GuestPhysical(0xFEA0_0FF0), out var device, out ulong offset));
        Assert.Equal(0xFF0ul, offset);
        Assert.Equal(0x77ul, device!.ReadMmio(offset, 4));
        Assert.False(pci.TryFindMmio(new GuestPhysical(0xFEA0_1000), out _, out _));
    }

    [Fact]
    public void A_bridge_shows_the_real_registers_and_keeps_writes_to_itself()
    {
        MemoryFunction real = RootPort();
        var bridge = new PciBridgeFunction(extended: true);
        bridge.Capture(real);
        byte[] before = (byte[])real.Bytes.Clone();
        Assert.Equal(0xA118_8086u, bridge.ReadConfig(0, 4));
        Assert.Equal(0x0001_0001u, bridge.ReadConfig(0x100, 4));
        bridge.WriteConfig(0x18, 4, 0x00FF_0201);
        Assert.Equal(0x00FF_0201u, bridge.ReadConfig(0x18, 4));
        for (int i = 0; i < 4096; i += 4)
            bridge.WriteConfig(i, 4, uint.MaxValue);
        Assert.Equal(before, real.Bytes);
        Assert.Equal(0xA118_8086u, bridge.ReadConfig(0, 4));
        Assert.Equal(0x0010_0547u, bridge.ReadConfig(4, 4));
        Assert.Equal(0u, bridge.ReadConfig(0x10, 4));
        Assert.Equal(0x2000_F1F1u, bridge.ReadConfig(0x1C, 4));
        Assert.Equal(0xFFF0_FFF0u, bridge.ReadConfig(0x20, 4));
        Assert.Equal(0xFFF1_FFF1u, bridge.ReadConfig(0x24, 4));
        Assert.Equal(0xFFFF_FFFFu, bridge.ReadConfig(0x28, 4));
        Assert.Equal(0x0001_0001u, bridge.ReadConfig(0x100, 4));
        bridge.Reset();
        Assert.Equal(0x0002_0100u, bridge.ReadConfig(0x18, 4));
    }

    [Fact]
    public void Capabilities_of_a_bridge_take_controls_and_not_status_and_hide_hot_plug()
    {
        var bridge = new PciBridgeFunction(extended: true);
        bridge.Capture(RootPort());
        for (int i = 0x40; i < 0x100; i += 4)
            bridge.WriteConfig(i, 4, uint.MaxValue);
        Assert.Equal(0xC803_5001u, bridge.ReadConfig(0x40, 4));
        Assert.Equal(0x0000_010Bu, bridge.ReadConfig(0x44, 4));
        Assert.Equal(0x00F1_6005u, bridge.ReadConfig(0x50, 4));
        Assert.Equal(0x0142_0010u, bridge.ReadConfig(0x60, 4));
        Assert.Equal(0x0001_7FFFu, bridge.ReadConfig(0x68, 4));
        Assert.Equal(0x0000_0020u, bridge.ReadConfig(0x74, 4));
        Assert.Equal(0x0148_1FFFu, bridge.ReadConfig(0x78, 4));
        Assert.Equal(uint.MaxValue, bridge.ReadConfig(0xF0, 4));
    }

    [Fact]
    public void A_commit_writes_what_was_changed_and_nothing_else()
    {
        MemoryFunction real = RootPort();
        var bridge = new PciBridgeFunction(extended: true);
        bridge.Capture(real);
        bridge.WriteConfig(0x18, 4, 0x0005_0300);
        bridge.WriteConfig(0x3E, 2, 0x0003);
        byte[] expected = (byte[])real.Bytes.Clone();
        expected[0x19] = 3;
        expected[0x1A] = 5;
        expected[0x3E] = 3;
        bridge.Commit(real);
        Assert.Equal(expected, real.Bytes);
    }

    [Fact]
    public void A_bridge_is_taken_over_as_its_guest_knows_it_whatever_another_system_has_made_of_it()
    {
        MemoryFunction real = RootPort();
        var bridge = new PciBridgeFunction(extended: false);
        bridge.Capture(real);
        byte[] expected = (byte[])real.Bytes.Clone();
        bridge.WriteConfig(0x1C, 2, 0x2010);
        expected[0x1C] = (byte)(0x10 | expected[0x1C] & 0x0F);
        expected[0x1D] = (byte)(0x20 | expected[0x1D] & 0x0F);
        bridge.WriteConfig(0x44, 2, 3);
        bridge.WriteConfig(0xF0, 2, 0x1234);
        expected[0xF0] = 0x34;
        expected[0xF1] = 0x12;
        // The other system: windows, messages, decoding and mastering, a register that only the device knows.
        real.Bytes[0x20] ^= 0xF0;
        real.Bytes[0x52] |= 0x01;
        real.Bytes[0x04] |= 0x07;
        expected[0x04] |= 0x07;
        real.Bytes[0xF4] = expected[0xF4] = 0x77;
        bridge.TakeOver(real);
        Assert.Equal(expected, real.Bytes);
    }

    [Fact]
    public void A_conventional_bridge_ends_at_256_bytes()
    {
        var bridge = new PciBridgeFunction(extended: false);
        bridge.Capture(RootPort());
        Assert.Equal(uint.MaxValue, bridge.ReadConfig(0x100, 4));
        bridge.WriteConfig(0x100, 4, 0);
    }

    [Fact]
    public void A_configuration_space_of_noise_does_no_harm()
    {
        var random = new Random(3);
        for (int round = 0; round < 2000; round++)
        {
            var real = new MemoryFunction();
            random.NextBytes(real.Bytes.AsSpan(0, 512));
            var bridge = new PciBridgeFunction(extended: round % 2 == 0);
            bridge.Capture(real);
            for (int i = 0; i < 64; i++)
                bridge.WriteConfig(random.Next(-8, 4200), 4, (uint)random.NextInt64());
            bridge.Commit(real);
        }
    }

    [Fact]
    public void A_copy_takes_each_bridge_from_the_one_at_its_place()
    {
        var first = new PciBridgeFunction(extended: false);
        var second = new PciBridgeFunction(extended: false);
        first.Capture(RootPort());
        second.Capture(RootPort());
        first.WriteConfig(PciRegister.InterruptLine, 1, 5);
        second.WriteConfig(PciRegister.InterruptLine, 1, 6);
        pci.Add(0, 1, 0, first);
        pci.Add(0, 2, 0, new Endpoint());
        pci.Add(0, 3, 0, second);
        var copy = new PciConfigSpace();
        copy.Add(0, 2, 0, new Endpoint());
        copy.Add(0, 1, 0, new PciBridgeFunction(extended: false));
        copy.Add(0, 3, 0, new PciBridgeFunction(extended: false));
        copy.CopyFrom(pci);
        Assert.Equal(5u, copy.ReadConfig(0, 1, 0, PciRegister.InterruptLine, 1));
        Assert.Equal(6u, copy.ReadConfig(0, 3, 0, PciRegister.InterruptLine, 1));
    }
}
