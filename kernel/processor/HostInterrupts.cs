using System.Runtime;
using Hv.Kernel.Diagnostics;

namespace Hv.Kernel.Processor;

/// <summary>What the processor's interrupts and faults in Hv itself lead to. Runs on the interrupted processor.</summary>
internal static unsafe class HostInterrupts
{
    private const ulong NonMaskable = 2;
    private const ulong GeneralProtection = 13;
    private const ulong FirstExternal = 32;
    private const ulong InterruptFlag = 1 << 9;

    private static delegate*<void> s_onNmi;

    /// <summary>Lets <paramref name="action"/> run, too, when an NMI comes while Hv runs. It interrupts anything.</summary>
    public static void OnNmi(delegate*<void> action) => s_onNmi = action;

    [RuntimeExport("HvInterrupt")]
    private static void Handle(InterruptFrame* frame)
    {
        if (frame->Vector == GeneralProtection &&
            (frame->Rip == Stubs.ReadMsrAccessAddress() || frame->Rip == Stubs.WriteMsrAccessAddress()))
        {
            frame->Rip = Stubs.MsrRefusedAddress();
            return;
        }
        if (frame->Vector == NonMaskable)
        {
            PerProcessor.Current->ReceiveNmi();
            // Just before the HLT that it is to end (HvHaltUntilNmi).
            if (frame->Rip == Stubs.HaltUntilNmiAddress())
                frame->Rip++;
            if (s_onNmi != null)
                s_onNmi();
            return;
        }
        if (frame->Vector >= FirstExternal)
        {
            // Hv opens for one interrupt of its own only (HvTakeOneInterrupt); no second one may follow.
            frame->Rflags &= ~InterruptFlag;
            LocalApicAccess.EndOfInterrupt();
            return;
        }
        FaultReport.Fault(frame);
        while (true)
            Stubs.Halt();
    }
}
