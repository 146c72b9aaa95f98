using System;
using System.Reflection;
using System.Runtime.InteropServices;
using Hv.Drivers.Control;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed unsafe class ControlProtocolTests
{
    [Fact]
    public void The_structures_have_the_sizes_they_state()
    {
        Assert.Equal(StatusBlock.Size, sizeof(StatusBlock));
        Assert.Equal(QuiesceRecord.Size, sizeof(QuiesceRecord));
    }

    [Fact]
    public void No_two_fields_of_the_status_block_overlap()
    {
        var owners = new string?[StatusBlock.Size];
        foreach (FieldInfo field in typeof(StatusBlock).GetFields(BindingFlags.Public | BindingFlags.Instance))
        {
            int offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
            int size = field.FieldType.IsEnum ? 4 : Marshal.SizeOf(field.FieldType);
            Assert.Equal(0, offset % Math.Min(size, 4));
            for (int i = offset; i < offset + size; i++)
            {
                Assert.True(owners[i] == null, $"{field.Name} overlaps {owners[i]}");
                owners[i] = field.Name;
            }
        }
    }

    [Fact]
    public void The_magic_number_spells_its_name()
    {
        ulong magic = StatusBlock.ExpectedMagic;
        Assert.Equal("HvStatus"u8.ToArray(), new Span<byte>(&magic, 8).ToArray());
    }

    [Fact]
    public void Opcodes_are_vendor_specific_and_have_one_meaning_each()
    {
        byte[] opcodes =
        [
            ControlOpcode.Start, ControlOpcode.Status, ControlOpcode.Ready, ControlOpcode.WaitChange,
            ControlOpcode.Switch, ControlOpcode.ReadLog, ControlOpcode.ReadScreen, ControlOpcode.Abort, ControlOpcode.FindJournal,
            ControlOpcode.Fail,
        ];
        Assert.Equal(opcodes.Length, new System.Collections.Generic.HashSet<byte>(opcodes).Count);
        Assert.All(opcodes, opcode => Assert.True(opcode >= 0xc0 && (opcode & 1) == (opcode == ControlOpcode.Fail ? 1 : 0)));
    }

    [Fact]
    public void The_states_of_the_journal_have_the_same_numbers_on_both_sides()
    {
        string[] states = Enum.GetNames<Hv.Shadow.Journal.JournalState>();
        Assert.Equal((int)ControlJournal.Count, states.Length);
        foreach (string state in states)
            Assert.Equal((int)Enum.Parse<ControlJournal>(state), (int)Enum.Parse<Hv.Shadow.Journal.JournalState>(state));
    }
}
