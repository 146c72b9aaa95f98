using Hv.Kernel.Processor;

namespace Hv.Kernel.Svm;

/// <summary>
/// What QEMU's TCG (7.2 to 10.0) does otherwise than a processor with AMD-V, where that would harm a guest with several processors. Hv works around it only where CPUID says that
/// it runs there.
/// </summary>
/// <remarks>
/// An external interrupt that is injected stays in exception_index (target/i386/tcg/sysemu/svm_helper.c), from where it is delivered once more, whatever RFLAGS.IF says, when another
/// thread stops this processor's next: an NMI that waits behind the injection prevents that. VMRUN with V_IRQ set changes interrupt_request without the lock that guards it: a request that
/// another thread makes at that moment is lost. NMIs are sent again (<see cref="PerProcessor.Kick"/>); requests of the local APIC are found again when its task priority is written.
/// VMRUN ignores the interrupt shadow: a guest that an NMI takes out between STI and HLT would get its interrupt before it halts, and sleep. It is made to execute STI again.
/// </remarks>
internal static class TcgQuirks
{
    private const uint HypervisorLeaf = 0x4000_0000, FeatureHypervisor = 1u << 31;
    private const uint TcgSignature = 0x5447_4354; // "TCGT"

    private static bool s_isTcg;

    /// <summary>Looks where Hv runs. With each processor that is turned on; before guests run.</summary>
    public static void Detect() =>
        s_isTcg = (CpuidResult.Of(1).Ecx & FeatureHypervisor) != 0 && CpuidResult.Of(HypervisorLeaf).Ebx == TcgSignature;

    /// <summary>Whether the interrupt shadow of a guest must not be relied upon when it is entered.</summary>
    public static bool ForgetsInterruptShadow => s_isTcg;

    /// <summary>Before a guest is entered with an external interrupt: makes it exit behind the delivery.</summary>
    public static unsafe void BeforeInjection()
    {
        if (s_isTcg)
            PerProcessor.Current->Kick();
    }

    /// <summary>Finds requests of the local APIC that were lost on their way to the processor.</summary>
    public static void FindRequests()
    {
        if (s_isTcg)
            LocalApicAccess.Write(LocalApicAccess.TaskPriority, LocalApicAccess.Read(LocalApicAccess.TaskPriority));
    }
}
