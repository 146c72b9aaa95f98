using System.Runtime;
using Hv.Kernel.Diagnostics;

namespace Hv.Kernel.Processor;

/// <summary>What the processor's interrupts and faults in Hv itself lead to. Runs on the interrupted processor.</summary>
internal static unsafe class HostInterrupts
{
    private const ulong GeneralProtection = 13;
    private const ulong FirstExternal = 32;
    private const ulong InterruptFlag = 1 << 9;

    private static ulong s_externalCount;

    [RuntimeExport("HvInterrupt")]
    private static void Handle(InterruptFrame* frame)
    {
        if (frame->Vector == GeneralProtection &&
            (frame->Rip == Stubs.ReadMsrAccessAddress() || frame->Rip == Stubs.WriteMsrAccessAddress()))
        {
            frame->Rip = Stubs.MsrRefusedAddress();
            return;
        }
        if (frame->Vector >= FirstExternal)
        {
            // Hv opens for one interrupt of its own only (HvTakeOneInterrupt); no second one may follow.
            s_externalCount++;
            frame->Rflags &= ~InterruptFlag;
            LocalApicAccess.EndOfInterrupt();
            return;
        }
        FaultReport.Fault(frame);
        while (true)
            Stubs.Halt();
    }
}
