using System;
using Hv.Drivers.Pci;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class VirtualPciFunctionTests
{
    private const ulong BarSize = 0x4000;
    private const uint MsixOffset = 0x2000;

    /// <summary>One wide BAR with 16 scratch registers and an MSI-X table behind them.</summary>
    private sealed class Sample : VirtualPciFunction
    {
        public readonly ulong[] Registers = new ulong[16];

        public Sample(MessageSink sink, int vectors = 3)
            : base(0x1B36, 0x0010, 0x010802, 2, 0x1AF4, 0x1100)
        {
            DefineMemoryBar(0, BarSize, wide: true, prefetchable: false);
            AddMsix(new MsixTable(vectors, sink), 0, MsixOffset);
        }

        public override ulong ReadBar(int bar, ulong offset, int size)
            => offset >= MsixOffset ? Msix!.ReadMmio(offset - MsixOffset, size) : Registers[offset / 8 % 16];

        public override void WriteBar(int bar, ulong offset, int size, ulong value)
        {
            if (offset >= MsixOffset)
                Msix!.WriteMmio(offset - MsixOffset, size, value);
            else
                Registers[offset / 8 % 16] = value;
        }
    }

    private readonly RecordingSink sink = new();
    private readonly RecordingLine line = new();
    private readonly Sample function;

    public VirtualPciFunctionTests()
    {
        function = new Sample(sink);
        function.ConnectIntx(1, 11, line);
    }

    [Fact]
    public void The_header_names_the_function()
    {
        Assert.Equal(0x00101B36u, function.ReadConfig(0, 4));
        Assert.Equal(0x01080202u, function.ReadConfig(8, 4));
        Assert.Equal(0x11001AF4u, function.ReadConfig(0x2C, 4));
        Assert.Equal(0x010Bu, function.ReadConfig(0x3C, 2));
        Assert.Equal(0u, function.ReadConfig(0x100, 4));
        function.WriteConfig(0, 4, 0);
        Assert.Equal(0x00101B36u, function.ReadConfig(0, 4));
    }

    [Fact]
    public void Writing_ones_to_a_wide_BAR_tells_its_size()
    {
        function.SetBarAddress(0, 0x8_FEB0_4000);
        Assert.Equal(0xFEB04004u, function.ReadConfig(0x10, 4));
        Assert.Equal(8u, function.ReadConfig(0x14, 4));
        function.WriteConfig(0x10, 4, uint.MaxValue);
        function.WriteConfig(0x14, 4, uint.MaxValue);
        Assert.Equal(0xFFFFC004u, function.ReadConfig(0x10, 4));
        Assert.Equal(0xFFFFFFFFu, function.ReadConfig(0x14, 4));
        function.WriteConfig(0x18, 4, uint.MaxValue);
        Assert.Equal(0u, function.ReadConfig(0x18, 4));
        function.Reset();
        Assert.Equal(0x8_FEB0_4000u, function.BarAddress(0));
    }

    [Fact]
    public void A_BAR_answers_only_while_memory_decoding_is_on()
    {
        function.SetBarAddress(0, 0xFEB0_0000);
        var inside = new GuestPhysical(0xFEB0_0008);
        Assert.False(function.TryFindMmio(inside, out _, out _));
        function.WriteConfig(PciRegister.Command, 2, PciRegister.CommandMemory);
        Assert.True(function.TryFindMmio(inside, out var bar, out ulong offset));
        Assert.Equal(8u, offset);
        bar!.WriteMmio(offset, 8, 77);
        Assert.Equal(77u, function.Registers[1]);
        Assert.False(function.TryFindMmio(new GuestPhysical(0xFEB0_4000), out _, out _));
        Assert.False(function.TryFindMmio(new GuestPhysical(0xFEAF_FFFF), out _, out _));
    }

    [Fact]
    public void The_capability_list_leads_to_MSI_X()
    {
        Assert.NotEqual(0u, function.ReadConfig(PciRegister.Status, 2) & PciRegister.StatusCapabilities);
        int at = (int)function.ReadConfig(PciRegister.CapabilitiesPointer, 1);
        Assert.Equal(0x0002_0011u, function.ReadConfig(at, 4));
        Assert.Equal(MsixOffset, function.ReadConfig(at + 4, 4));
        Assert.Equal(MsixOffset + 48, function.ReadConfig(at + 8, 4));
    }

    [Fact]
    public void INTx_follows_the_disable_bit_and_shows_in_status()
    {
        function.SetIntx(true);
        Assert.True(line.Level);
        Assert.NotEqual(0u, function.ReadConfig(PciRegister.Status, 2) & PciRegister.StatusInterrupt);
        function.WriteConfig(PciRegister.Command, 2, PciRegister.CommandIntxDisable);
        Assert.False(line.Level);
        Assert.NotEqual(0u, function.ReadConfig(PciRegister.Status, 2) & PciRegister.StatusInterrupt);
        function.WriteConfig(PciRegister.Command, 2, 0);
        Assert.True(line.Level);
        EnableMsix(0x8000);
        Assert.False(line.Level);
        function.SetIntx(false);
        Assert.Equal(0u, function.ReadConfig(PciRegister.Status, 2) & PciRegister.StatusInterrupt);
    }

    [Fact]
    public void Error_bits_in_status_are_cleared_by_writing_ones_and_never_set()
    {
        function.WriteConfig(PciRegister.Status, 2, 0xFFFF);
        Assert.Equal(PciRegister.StatusCapabilities, function.ReadConfig(PciRegister.Status, 2));
    }

    [Fact]
    public void A_message_goes_out_when_enabled_unmasked_and_bus_master()
    {
        Assert.False(function.Msix!.Signal(1));
        Program(1, 0xFEE0_1000, 0x41, masked: false);
        EnableMsix(0x8000);
        Assert.True(function.Msix.Signal(1));
        Assert.Empty(sink.Messages);
        Assert.True(function.Msix.IsPending(1));
        function.WriteConfig(PciRegister.Command, 2, PciRegister.CommandBusMaster);
        Assert.Equal((0xFEE0_1000ul, 0x41u), Assert.Single(sink.Messages));
        Assert.False(function.Msix.IsPending(1));
        function.Msix.Signal(1);
        Assert.Equal(2, sink.Messages.Count);
    }

    [Fact]
    public void A_masked_vector_is_pending_until_its_own_mask_and_the_function_mask_are_gone()
    {
        function.WriteConfig(PciRegister.Command, 2, PciRegister.CommandBusMaster);
        Program(2, 0xFEE0_0000, 0x50, masked: true);
        EnableMsix(0xC000);
        function.Msix!.Signal(2);
        Assert.Equal(4u, function.ReadBar(0, MsixOffset + 48, 8));
        EnableMsix(0x8000);
        Assert.Empty(sink.Messages);
        Program(2, 0xFEE0_0000, 0x51, masked: false);
        Assert.Equal((0xFEE0_0000ul, 0x51u), Assert.Single(sink.Messages));
        Assert.Equal(0u, function.ReadBar(0, MsixOffset + 48, 8));
        function.WriteBar(0, MsixOffset + 48, 8, ulong.MaxValue);
        Assert.Equal(0u, function.ReadBar(0, MsixOffset + 48, 8));
    }

    [Fact]
    public void A_withdrawn_vector_is_not_sent()
    {
        function.WriteConfig(PciRegister.Command, 2, PciRegister.CommandBusMaster);
        EnableMsix(0x8000);
        function.Msix!.Signal(0);
        function.Msix.Withdraw(0);
        Program(0, 0xFEE0_0000, 0x51, masked: false);
        Assert.Empty(sink.Messages);
    }

    [Fact]
    public void A_copy_has_the_same_registers()
    {
        Program(2, 0xFEE0_0000, 0x50, masked: true);
        EnableMsix(0x8000);
        function.SetIntx(true);
        function.Msix!.Signal(2);
        var copy = new Sample(new RecordingSink());
        copy.ConnectIntx(1, 11, new RecordingLine());
        copy.CopyHeaderFrom(function);
        for (int i = 0; i < 256; i += 4)
            Assert.Equal(function.ReadConfig(i, 4), copy.ReadConfig(i, 4));
        for (ulong i = 0; i < 56; i += 4)
            Assert.Equal(function.ReadBar(0, MsixOffset + i, 4), copy.ReadBar(0, MsixOffset + i, 4));
    }

    [Fact]
    public void No_access_of_any_kind_does_harm()
    {
        var random = new Random(1);
        var victim = new Sample(sink, vectors: 130);
        victim.ConnectIntx(1, 11, line);
        int[] sizes = [1, 2, 4, 8];
        for (int i = 0; i < 200_000; i++)
        {
            int size = sizes[random.Next(4)];
            ulong offset = MsixOffset + (random.Next(50) == 0 ? (ulong)random.NextInt64() - MsixOffset : (ulong)random.Next(0x900));
            int at = random.Next(20) == 0 ? random.Next(-4, 5000) : random.Next(256);
            switch (random.Next(6))
            {
                case 0: victim.ReadConfig(at, Math.Min(size, 4)); break;
                case 1: victim.WriteConfig(at, Math.Min(size, 4), (uint)random.NextInt64()); break;
                case 2: victim.Msix!.ReadMmio(offset - MsixOffset, size); break;
                case 3: victim.Msix!.WriteMmio(offset - MsixOffset, size, (ulong)random.NextInt64()); break;
                case 4: victim.Msix!.Signal(random.Next(-2, 140)); break;
                default: victim.SetIntx(random.Next(2) == 0); break;
            }
        }
    }

    private void EnableMsix(uint control) => function.WriteConfig((int)function.ReadConfig(PciRegister.CapabilitiesPointer, 1) + 2, 2, control);

    private void Program(int vector, ulong address, uint data, bool masked)
    {
        ulong at = MsixOffset + (ulong)vector * 16;
        function.WriteBar(0, at, 8, address);
        function.WriteBar(0, at + 8, 4, data);
        function.WriteBar(0, at + 12, 4, masked ? 1u : 0);
    }
}
