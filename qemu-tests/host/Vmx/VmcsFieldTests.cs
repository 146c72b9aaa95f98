using System;
using System.Linq;
using System.Reflection;
using Hv.Kernel.Vmx;
using Xunit;

namespace Hv.HostTests;

public sealed class VmcsFieldTests
{
    private const int LastSegmentNumber = 7;

    private static readonly (string Name, uint Encoding)[] s_fields = [.. typeof(VmcsField)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (field.Name, (uint)field.GetRawConstantValue()!))
        .Where(field => field.Item2 > LastSegmentNumber)];

    [Fact]
    public void No_two_fields_share_an_encoding() =>
        Assert.Equal(s_fields.Length, s_fields.Select(field => field.Encoding).Distinct().Count());

    [Fact]
    public void Encodings_agree_with_what_the_names_say()
    {
        // Bits 11:10 tell control, read-only, guest and host fields apart; bit 0 and bits above 14 are 0 (SDM vol. 3C, 25.11.2).
        foreach ((string name, uint encoding) in s_fields)
        {
            uint kind = encoding >> 10 & 3;
            bool address = name is nameof(VmcsField.GuestPhysicalAddress) or nameof(VmcsField.GuestLinearAddress);
            bool guest = name.StartsWith("Guest", StringComparison.Ordinal) && !address ||
                name is nameof(VmcsField.LinkPointer) or nameof(VmcsField.PreemptionTimer);
            Assert.Equal(guest, kind == 2);
            Assert.Equal(name.StartsWith("Host", StringComparison.Ordinal), kind == 3);
            Assert.Equal(0u, encoding & 0xFFFF_8001);
        }
    }

    [Fact]
    public void Widths_agree_with_what_the_fields_hold()
    {
        // Bits 14:13: 16, 64, 32 bits, natural width.
        foreach ((string name, uint encoding) in s_fields)
        {
            uint width = encoding >> 13 & 3;
            if (name.EndsWith("Selector", StringComparison.Ordinal))
                Assert.Equal(0u, width);
            if (name.EndsWith("Limit", StringComparison.Ordinal) || name.EndsWith("AccessRights", StringComparison.Ordinal) ||
                name.EndsWith("Controls", StringComparison.Ordinal))
                Assert.Equal(2u, width);
            if (name.EndsWith("Base", StringComparison.Ordinal) || name.Contains("Cr0", StringComparison.Ordinal) ||
                name.Contains("Cr4", StringComparison.Ordinal))
                Assert.Equal(3u, width);
            if (name.EndsWith("Efer", StringComparison.Ordinal) || name.EndsWith("Pat", StringComparison.Ordinal))
                Assert.Equal(1u, width);
        }
    }

    [Fact]
    public void Segment_fields_lie_two_apart_and_do_not_run_into_their_neighbours()
    {
        Assert.Equal(0x080Eu, VmcsField.GuestEsSelector + VmcsField.Tr * 2);
        Assert.Equal(VmcsField.GuestGdtrLimit, VmcsField.GuestEsLimit + (VmcsField.Tr + 1) * 2);
        Assert.Equal(VmcsField.GuestInterruptibility, VmcsField.GuestEsAccessRights + (VmcsField.Tr + 1) * 2);
        Assert.Equal(VmcsField.GuestGdtrBase, VmcsField.GuestEsBase + (VmcsField.Tr + 1) * 2);
    }
}
