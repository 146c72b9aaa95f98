using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests;

public sealed class GuestCpuidTests
{
    private const ulong Cr4ProtectionKeys = 1 << 22;

    private static CpuidResult Filtered(uint leaf, uint subleaf = 0, ulong cr4 = 0)
    {
        var result = new CpuidResult { Eax = uint.MaxValue, Ebx = uint.MaxValue, Ecx = uint.MaxValue, Edx = uint.MaxValue };
        GuestCpuid.Filter(leaf, subleaf, cr4, ref result);
        return result;
    }

    [Fact]
    public void A_guest_sees_neither_VMX_nor_SMX_nor_SVM_but_a_hypervisor()
    {
        uint ecx = Filtered(1).Ecx;
        Assert.Equal(0u, ecx & (1 << 5 | 1 << 6));
        Assert.NotEqual(0u, ecx & 1u << 31);
        Assert.Equal(0u, Filtered(0x8000_0001).Ecx & 1 << 2);
        Assert.Equal(0u, Filtered(0x8000_000A).Eax);
        var none = default(CpuidResult);
        GuestCpuid.Filter(1, 0, 0, ref none);
        Assert.Equal(1u << 31, none.Ecx);
    }

    [Fact]
    public void The_bits_that_mirror_CR4_mirror_the_guests()
    {
        Assert.Equal(0u, Filtered(1).Ecx & 1 << 27);
        Assert.NotEqual(0u, Filtered(1, cr4: GuestCpuid.Cr4OsXsave).Ecx & 1 << 27);
        Assert.Equal(0u, Filtered(7).Ecx & 1 << 4);
        Assert.NotEqual(0u, Filtered(7, cr4: Cr4ProtectionKeys).Ecx & 1 << 4);
    }

    [Fact]
    public void Features_whose_state_is_not_carried_between_VMs_are_not_offered()
    {
        CpuidResult features = Filtered(7);
        Assert.Equal(0u, features.Ebx & 1 << 25);                                // processor trace
        Assert.Equal(0u, features.Ecx & (1 << 7 | 1 << 23 | 1 << 29 | 1u << 31)); // shadow stacks, key locker, ENQCMD, PKS
        Assert.Equal(0u, features.Edx & (1 << 5 | 1 << 19 | 1 << 20 | 1 << 24));  // user interrupts, LBRs, branch tracking, AMX
        Assert.NotEqual(0u, features.Ebx & 1 << 5);                              // AVX2 stays
        Assert.Equal(0u, Filtered(7, 1).Eax & 1 << 17);                          // FRED
        foreach (uint leaf in new uint[] { 0x14, 0x19, 0x1C, 0x1D, 0x1E })
            Assert.Equal(0u, Filtered(leaf).Eax | Filtered(leaf).Ebx);
    }

    [Fact]
    public void There_are_no_supervisor_state_components_and_no_AMX()
    {
        Assert.Equal(0u, Filtered(0xD).Eax & 3 << 17);
        Assert.NotEqual(0u, Filtered(0xD).Eax & 7);
        CpuidResult one = Filtered(0xD, 1);
        Assert.Equal(0u, one.Ecx | one.Edx | (one.Eax & 1 << 4));
        Assert.NotEqual(0u, one.Eax & 1 << 3);
        Assert.Equal(0u, Filtered(0xD, 11).Eax);
        Assert.Equal(0u, Filtered(0xD, 17).Eax);
        var avx = new CpuidResult { Eax = 256, Ebx = 576 };
        GuestCpuid.Filter(0xD, 2, 0, ref avx);
        Assert.Equal(256u, avx.Eax);
    }

    [Theory]
    [InlineData(0x001, 0x2FF, true)]
    [InlineData(0x003, 0x2FF, true)]
    [InlineData(0x007, 0x2FF, true)]
    [InlineData(0x2E7, 0x2FF, true)]
    [InlineData(0x01B, 0x2FF, true)]
    [InlineData(0x000, 0x2FF, false)] // x87 state is always on
    [InlineData(0x002, 0x2FF, false)]
    [InlineData(0x005, 0x2FF, false)] // AVX without SSE
    [InlineData(0x00B, 0x2FF, false)] // half of MPX
    [InlineData(0x027, 0x2FF, false)] // a third of AVX-512
    [InlineData(0x0E3, 0x2FF, false)] // AVX-512 without AVX
    [InlineData(0x103, 0x2FF, false)] // a component of XSS
    [InlineData(0x207, 0x007, false)] // one that the processor does not have
    [InlineData(1ul << 63 | 1, 0x2FF, false)]
    public void Xcr0_takes_what_the_processor_takes(ulong value, ulong supported, bool legal) => Assert.Equal(legal, GuestCpuid.IsLegalXcr0(value, supported));
}
