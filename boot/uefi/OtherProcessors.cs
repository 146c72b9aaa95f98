using System;
using System.Runtime.InteropServices;
using Hv.Boot.Acpi;
using Hv.Kernel;
using Hv.Kernel.Processor;

namespace Hv.Boot.Uefi;

/// <summary>Has the firmware start the other processors, one by one, and lets each of them enter Hv, which it leaves as its guest. Guest side, on the bootstrap processor.</summary>
internal static unsafe class OtherProcessors
{
    private const ulong TimeLimitMicroseconds = 10_000_000;

    /// <summary>What a processor that is started must know.</summary>
    private struct Entry
    {
        public BootParameters* Parameters;
        public void* Function;
        public byte* StackTop;
    }

    /// <summary>
    /// Starts them all but those that have joined. Those that the firmware does not start, and all behind them in the list, are not shown to the OS; nor are those that Hv itself has not
    /// been able to start, of <paramref name="found"/> processors.
    /// </summary>
    public static void Start(BootParameters* parameters, ulong imageDelta, int found)
    {
        delegate* unmanaged<BootParameters*, ulong, ulong, ulong> join = &HypervisorStart.Join;
        Entry entry;
        entry.Parameters = parameters;
        entry.Function = (byte*)join + imageDelta;
        var services = (MpServices*)Firmware.Locate(EfiGuid.MpServices);
        for (int i = parameters->Joined; i < parameters->Processors && services != null; i++)
        {
            entry.StackTop = parameters->Descriptors + ((uint)i * HostDescriptors.Pages + HostDescriptors.MainStackEndPage) * PageSize.Small;
            if (!TryFind(services, parameters->ApicIds[i], out ulong number))
                break;
            _ = services->StartupThisAp(services, &Enter, number, null, TimeLimitMicroseconds, &entry, null);
            if (parameters->Joined != i + 1)
                break;
        }
        ReadOnlySpan<byte> madt = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Madt);
        if (parameters->Joined == found || madt.IsEmpty)
            return;
        fixed (byte* table = madt)
            _ = ProcessorTable.ParkOthers(new Span<byte>(table, madt.Length), new ReadOnlySpan<uint>(parameters->ApicIds, parameters->Joined));
    }

    // On the processor that was started.
    [UnmanagedCallersOnly]
    private static void Enter(void* argument)
    {
        var entry = (Entry*)argument;
        _ = Stubs.Launch(entry->Function, entry->Parameters, entry->StackTop);
    }

    private static bool TryFind(MpServices* services, uint apicId, out ulong number)
    {
        ulong count = 0, enabled = 0;
        number = 0;
        if (services->GetNumberOfProcessors(services, &count, &enabled) != EfiStatus.Success)
            return false;
        for (; number < count; number++)
        {
            ProcessorInformation information;
            if (services->GetProcessorInfo(services, number, &information) == EfiStatus.Success && information.ProcessorId == apicId)
                return true;
        }
        return false;
    }
}
