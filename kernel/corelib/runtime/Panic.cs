using System.Diagnostics.CodeAnalysis;

namespace Hv.Kernel;

/// <summary>The end of the line in the image: a message and a register dump on the log, then the processor stops.</summary>
public static unsafe class Panic
{
    /// <summary>Says why on every log, dumps what is known and halts for ever.</summary>
    [DoesNotReturn]
    public static void Stop(string what)
    {
        Diagnostics.FaultReport.Stopped(what);
        while (true)
        {
            Processor.Stubs.DisableInterrupts();
            Processor.Stubs.Halt();
        }
    }
}
