using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Svm;
using Hv.Kernel.Vmx;

namespace Hv.Boot;

/// <summary>The hypervisor's beginning: runs in the image copy, on Hv's own stack, called by the loader through HvLaunch.</summary>
internal static unsafe class HypervisorStart
{
    private const ulong HeapBytes = 2 * 1024 * 1024;
    private const uint LogPages = 16;

    /// <summary>
    /// Never returns if all goes well: the loader goes on as the guest. Otherwise a <see cref="Status"/> (not Ok), with the
    /// processor as it was.
    /// </summary>
    [UnmanagedCallersOnly]
    public static ulong Start(BootParameters* parameters, ulong guestStack, ulong guestRip)
    {
        BootHeap.Initialize(parameters->Free, HeapBytes);
        var pages = new RegionPages(parameters->Free + HeapBytes, parameters->Region + parameters->RegionBytes);
        Log.UseRing(pages.TakeRun(LogPages));
        ProcessorStarter starter = SvmProcessor.IsUsable
            ? new ProcessorStarterOf<SvmBackend, SvmVirtualization>(parameters, pages)
            : new ProcessorStarterOf<VmxBackend, VmxVirtualization>(parameters, pages);
        parameters->Starter = Unsafe.As<ProcessorStarter, nint>(ref starter);
        return (ulong)starter.Join(parameters, guestStack, guestRip);
    }

    /// <summary>The same on each further processor, one at a time, after <see cref="Start"/>.</summary>
    [UnmanagedCallersOnly]
    public static ulong Join(BootParameters* parameters, ulong guestStack, ulong guestRip)
    {
        nint starter = parameters->Starter;
        return (ulong)Unsafe.As<nint, ProcessorStarter>(ref starter).Join(parameters, guestStack, guestRip);
    }

    /// <summary>Where a processor begins that Hv itself has started, in long mode, called by the wake page's code.</summary>
    [UnmanagedCallersOnly]
    public static void Arrive(ProcessorArrival* arrival)
    {
        nint starter = arrival->Parameters->Starter;
        Unsafe.As<nint, ProcessorStarter>(ref starter).Arrive(arrival);
    }
}
