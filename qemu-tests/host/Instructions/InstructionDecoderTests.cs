using System;
using System.Collections.Generic;
using Hv.Kernel.Instructions;
using Iced.Intel;
using Xunit;
using CodeSize = Hv.Kernel.Instructions.CodeSize;
using Decoder = Iced.Intel.Decoder;
using IcedInstruction = Iced.Intel.Instruction;

namespace Hv.HostTests.Instructions;

/// <summary>The decoder against Iced, over the whole space of opcodes, ModRM bytes and prefixes, and over random bytes.</summary>
public sealed class InstructionDecoderTests
{
    private static readonly string[] LegacyPrefixes =
    [
        "", "66", "67", "6667", "F3", "F2", "F0", "66F3", "66F2", "66F0", "F2F3", "F3F2", "67F3",
        "26", "2E", "36", "3E", "64", "65", "6426", "6465", "266667F3",
    ];

    public static TheoryData<int> Modes => new() { 16, 32, 64 };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_opcode_with_every_ModRM_and_prefix_agrees_with_Iced(int bits)
    {
        var random = new Random(20140101 + bits);
        var iced = new IcedCheck(bits);
        byte[] bytes = new byte[InstructionDecoder.MaximumLength];
        foreach (byte[] prefix in Prefixes(bits))
        {
            foreach (byte[] opcode in Opcodes())
            {
                for (int modRm = 0; modRm < 256; modRm++)
                {
                    random.NextBytes(bytes);
                    int at = 0;
                    foreach (byte b in prefix)
                        bytes[at++] = b;
                    foreach (byte b in opcode)
                        bytes[at++] = b;
                    bytes[at] = (byte)modRm;
                    iced.Check(bytes);
                }
            }
        }
        Assert.True(iced.Decoded > 100_000, $"only {iced.Decoded} decoded");
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_SIB_byte_agrees_with_Iced(int bits)
    {
        var random = new Random(5);
        var iced = new IcedCheck(bits);
        byte[] bytes = new byte[InstructionDecoder.MaximumLength];
        foreach (byte[] prefix in Prefixes(bits))
        {
            for (int modRm = 4; modRm < 0xc0; modRm += 0x48)
            {
                for (int sib = 0; sib < 256; sib++)
                {
                    random.NextBytes(bytes);
                    prefix.CopyTo(bytes, 0);
                    bytes[prefix.Length] = 0x8b;
                    bytes[prefix.Length + 1] = (byte)modRm;
                    bytes[prefix.Length + 2] = (byte)sib;
                    iced.Check(bytes);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Random_bytes_never_get_another_meaning_than_Iced_gives_them(int bits)
    {
        var random = new Random(1066 + bits);
        var iced = new IcedCheck(bits);
        byte[] bytes = new byte[InstructionDecoder.MaximumLength];
        for (int i = 0; i < 1_000_000; i++)
        {
            random.NextBytes(bytes);
            iced.Check(bytes);
        }
        Assert.True(iced.Decoded > 50_000, $"only {iced.Decoded} decoded");
    }

    [Fact]
    public void An_instruction_cut_short_is_unsupported()
    {
        byte[] bytes = Convert.FromHexString("F066480FBAAC8911223344" + "07");
        DecodedInstruction whole = InstructionDecoder.Decode(bytes, CodeSize.Bits64);
        Assert.Equal(Operation.Bts, whole.Operation);
        Assert.Equal(bytes.Length, whole.Length);
        for (int length = 0; length < bytes.Length; length++)
            Assert.Equal(Operation.Unsupported, InstructionDecoder.Decode(bytes.AsSpan(0, length), CodeSize.Bits64).Operation);
    }

    [Fact]
    public void An_instruction_of_sixteen_bytes_is_unsupported()
    {
        byte[] fifteen = Convert.FromHexString("2E2E2E2E2E2E2E2E2E2E2E2E2E" + "0FA2");
        Assert.Equal(15, InstructionDecoder.Decode(fifteen, CodeSize.Bits64).Length);
        byte[] sixteen = Convert.FromHexString("2E2E2E2E2E2E2E2E2E2E2E2E2E2E" + "0FA2");
        Assert.Equal(Operation.Unsupported, InstructionDecoder.Decode(sixteen, CodeSize.Bits64).Operation);
    }

    [Theory]
    [InlineData("0FA2", Operation.Cpuid)]
    [InlineData("F4", Operation.Hlt)]
    [InlineData("F390", Operation.Pause)]
    [InlineData("90", Operation.Unsupported)]
    [InlineData("0F32", Operation.Rdmsr)]
    [InlineData("0F30", Operation.Wrmsr)]
    [InlineData("0F33", Operation.Rdpmc)]
    [InlineData("0F31", Operation.Rdtsc)]
    [InlineData("0F01F9", Operation.Rdtscp)]
    [InlineData("0F08", Operation.Invd)]
    [InlineData("0F09", Operation.Wbinvd)]
    [InlineData("F30F09", Operation.Wbnoinvd)]
    [InlineData("0F01D1", Operation.Xsetbv)]
    [InlineData("0F01C8", Operation.Monitor)]
    [InlineData("0F01C9", Operation.Mwait)]
    [InlineData("0F01C1", Operation.Vmcall)]
    [InlineData("0F01D9", Operation.Vmmcall)]
    [InlineData("0F01D8", Operation.Vmrun)]
    [InlineData("0F01DA", Operation.Vmload)]
    [InlineData("0F01DB", Operation.Vmsave)]
    [InlineData("0F01DC", Operation.Stgi)]
    [InlineData("0F01DD", Operation.Clgi)]
    [InlineData("0F01DE", Operation.Skinit)]
    [InlineData("0F01DF", Operation.Invlpga)]
    [InlineData("0F0138", Operation.Invlpg)]
    [InlineData("0F01F0", Operation.Lmsw)]
    [InlineData("0F06", Operation.Clts)]
    [InlineData("0F22D8", Operation.MovToControl)]
    [InlineData("0F20E0", Operation.MovFromControl)]
    [InlineData("0F23F8", Operation.MovToDebug)]
    [InlineData("660F388000", Operation.Invept)]
    [InlineData("660F388100", Operation.Invvpid)]
    [InlineData("660F388200", Operation.Invpcid)]
    [InlineData("F36C", Operation.Ins)]
    [InlineData("66F36F", Operation.Outs)]
    [InlineData("E570", Operation.In)]
    [InlineData("EE", Operation.Out)]
    public void Intercepted_instructions_have_their_name_and_length(string hex, Operation operation)
    {
        byte[] bytes = Convert.FromHexString(hex);
        DecodedInstruction instruction = InstructionDecoder.Decode(bytes, CodeSize.Bits64);
        Assert.Equal(operation, instruction.Operation);
        Assert.Equal(operation == Operation.Unsupported ? 0 : bytes.Length, instruction.Length);
    }

    private static IEnumerable<byte[]> Prefixes(int bits)
    {
        foreach (string legacy in LegacyPrefixes)
        {
            byte[] prefix = Convert.FromHexString(legacy);
            yield return prefix;
            if (bits != 64)
                continue;
            foreach (byte rex in new byte[] { 0x40, 0x41, 0x42, 0x44, 0x47, 0x48, 0x4d, 0x4f })
            {
                if (legacy.Length <= 4)
                    yield return [.. prefix, rex];
            }
            yield return [0x4f, .. prefix];
        }
    }

    private static IEnumerable<byte[]> Opcodes()
    {
        for (int opcode = 0; opcode < 256; opcode++)
        {
            if (opcode != 0x0f)
                yield return [(byte)opcode];
            if (opcode != 0x38)
                yield return [0x0f, (byte)opcode];
        }
        for (int opcode = 0x80; opcode < 0x84; opcode++)
            yield return [0x0f, 0x38, (byte)opcode];
        for (int opcode = 0xf0; opcode < 0xf8; opcode++)
            yield return [0x0f, 0x38, (byte)opcode];
    }

    /// <summary>Compares one decoding with Iced's.</summary>
    private sealed class IcedCheck
    {
        private readonly int _bits;
        private readonly ByteArrayCodeReader _reader;
        private readonly Decoder _decoder;
        private readonly byte[] _buffer = new byte[InstructionDecoder.MaximumLength];

        public IcedCheck(int bits)
        {
            _bits = bits;
            _reader = new ByteArrayCodeReader(_buffer);
            _decoder = Decoder.Create(bits, _reader);
        }

        public long Decoded { get; private set; }

        public void Check(byte[] bytes)
        {
            DecodedInstruction ours = InstructionDecoder.Decode(bytes, (CodeSize)(_bits / 8));
            bytes.CopyTo(_buffer, 0);
            _reader.Position = 0;
            _decoder.IP = 0;
            _decoder.Decode(out IcedInstruction theirs);

            if (ours.Operation == Operation.Unsupported)
            {
                if (!theirs.IsInvalid && IcedView.MustBeSupported(theirs))
                    Assert.Fail(Describe("not decoded"));
                return;
            }
            Decoded++;
            if (theirs.IsInvalid)
                Assert.Fail(Describe("invalid to Iced"));
            string? difference = IcedView.Difference(ours, theirs, _bits);
            if (difference != null)
                Assert.Fail(Describe(difference));

            string Describe(string what) => $"{_bits} bits, {Convert.ToHexString(bytes)} ({theirs}): {what}";
        }
    }
}
