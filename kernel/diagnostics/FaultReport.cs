using Hv.Kernel.Processor;

namespace Hv.Kernel.Diagnostics;

/// <summary>What Hv says when it must stop: the reason, the registers, and names for the addresses on the stack.</summary>
public static unsafe class FaultReport
{
    private const int StackWords = 256;
    private const int MaxFrames = 24;

    private static bool s_reporting;

    /// <summary>A broken invariant; the caller's stack is searched for return addresses.</summary>
    public static void Stopped(string what)
    {
        if (s_reporting)
            return;
        s_reporting = true;
        Log.EndLine();
        Log.Write("Hv stopped: ");
        Log.Line(what);
        ulong here = 0;
        Backtrace((ulong)&here);
    }

    /// <summary>A processor exception in Hv.</summary>
    public static void Fault(InterruptFrame* frame)
    {
        if (s_reporting)
            return;
        s_reporting = true;
        Log.EndLine();
        Log.Line("Hv fault, vector ", frame->Vector);
        Log.Write("  error code ");
        Log.Hex(frame->ErrorCode);
        Log.Line("  cr2 ", Stubs.ReadCr2());
        Address("  rip ", frame->Rip);
        Log.Line("  rsp ", frame->Rsp);
        Log.Line("  rflags ", frame->Rflags);
        Log.Line("  cr3 ", Stubs.ReadCr3());
        for (int i = 0; i < GuestRegisters.Count; i++)
        {
            Log.Write("  r");
            Log.Decimal((ulong)i);
            Log.Write(" ");
            Log.HexDigits(frame->General.Read(i), 16);
            if (i % 4 == 3)
                Log.EndLine();
        }
        Backtrace(frame->Rsp);
    }

    // Without frame pointers: whatever on the stack points behind a call inside Hv's code is taken for a return address.
    private static void Backtrace(ulong stack)
    {
        int found = 0;
        ulong* words = (ulong*)(stack & ~7ul);
        for (int i = 0; i < StackWords && found < MaxFrames; i++)
        {
            if (!HostStack.Contains((ulong)(words + i)))
                break;
            if (SymbolTable.IsCode(words[i]))
            {
                Address("    ", words[i]);
                found++;
            }
        }
    }

    private static void Address(string label, ulong address)
    {
        Log.Write(label);
        Log.Hex(address);
        Log.Write(" ");
        SymbolTable.WriteName(address);
        Log.EndLine();
    }
}
