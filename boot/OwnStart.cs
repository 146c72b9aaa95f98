using System;
using System.Threading;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;

namespace Hv.Boot;

/// <summary>Starts the other processors where the firmware has no MP services. On the bootstrap processor, in Hv, before there is a guest: nothing of the firmware runs meanwhile.</summary>
internal static unsafe class OwnStart
{
    // What a function finds above its stack pointer (x64 calling convention of UEFI, 2.3.4.1): return address, and room for four arguments.
    private const ulong FrameBytes = 5 * sizeof(ulong);

    private const ulong PatienceSeconds = 10;

    /// <summary>
    /// Brings all processors into Hv, one by one, where each waits to join. Those that do not come are taken out of <paramref name="parameters"/>: the others have the numbers, and
    /// the <paramref name="descriptors"/>, one after the other.
    /// </summary>
    public static void Start(BootParameters* parameters, PageTable addressSpace, HostDescriptors[] descriptors, RegionPages pages)
    {
        int count = 1;
        if (parameters->WakePage == null)
        {
            Log.Line("Hv: no memory below 1 MiB to start processors in: one is used");
        }
        else
        {
            delegate* unmanaged<ProcessorArrival*, void> entry = &HypervisorStart.Arrive;
            var arrival = (ProcessorArrival*)pages.TakePage();
            arrival->Parameters = parameters;
            WakePage.Install(parameters->WakePage, addressSpace, &arrival->StackPointer, (ulong)entry);
            for (int i = 1; i < parameters->Processors; i++)
            {
                uint apicId = parameters->ApicIds[i];
                parameters->ApicIds[count] = apicId;
                descriptors[count] = new HostDescriptors(parameters->Descriptors + (uint)count * HostDescriptors.Pages * PageSize.Small, count, apicId);
                arrival->StackPointer = descriptors[count].MainStackTop - FrameBytes;
                arrival->Index = count;
                Volatile.Write(ref arrival->HasArrived, 0);
                bool hasCome = StartUpSequence.TryStart(apicId, WakePage.VectorOf(parameters->WakePage), ref arrival->HasArrived, parameters->TscFrequency);
                Log.Write("Hv: processor with APIC ID ");
                Log.Decimal(apicId);
                Log.Line(hasCome ? " started" : " did not start: it is not used");
                if (hasCome)
                    count++;
            }
        }
        parameters->Processors = count;
    }

    /// <summary>Waits until all of them have joined, which each does after the one before it. When the bootstrap processor has.</summary>
    public static void AwaitAll(BootParameters* parameters) =>
        Invariant.Holds(StartUpSequence.Wait(ref parameters->Joined, parameters->Processors, PatienceSeconds * parameters->TscFrequency), "a processor that was started does not join");
}
