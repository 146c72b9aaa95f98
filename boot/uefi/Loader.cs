using System;
using Hv.Boot.Acpi;
using Hv.Drivers.Control;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Processor;
using Hv.Kernel.Svm;
using Hv.Kernel.Vmx;

namespace Hv.Boot.Uefi;

/// <summary>
/// The part of Hv that the firmware runs: sets memory aside, copies the image there, launches the hypervisor in the copy, goes on
/// as its guest and starts the OS's boot loader. If anything is missing it says so and starts the OS without Hv.
/// </summary>
internal static unsafe class Loader
{
    private const ulong RegionBytes = 6 * 1024 * 1024, RegionBytesPerProcessor = 256 * 1024;
    private const ulong CalibrationMicroseconds = 10_000;
    private const int Calibrations = 5;

    // On the file system that Hv comes from: MP services are not asked for. tools/mkimage writes it.
    private const string OwnStartFile = "\\EFI\\HV\\OWNSTART";

    public static ulong Run(void* image, SystemTable* system)
    {
        ulong entryTsc = Stubs.ReadTsc();
        Log.UsePorts(0);
        Firmware.Use(image, system);
        Firmware.SayVersion();
        if (!SvmProcessor.IsUsable && !VmxProcessor.IsUsable)
        {
            Firmware.Say("Hv: this processor has no VT-x with EPT and no AMD-V with nested paging that Hv can use. The OS is started without Hv.");
            return BootLoader.StartPlain();
        }
        if (!Prepare(entryTsc, out BootParameters* parameters))
        {
            Firmware.Say("Hv: not enough free memory. The OS is started without Hv.");
            return BootLoader.StartPlain();
        }
        // Asked now: as a guest the loader is told that there is no SVM.
        HypercallGate.Use(SvmProcessor.IsUsable);
        int processors = parameters->Processors;
        ulong delta = (ulong)parameters->Image - (ulong)LoadedImage()->ImageBase;
        delegate* unmanaged<BootParameters*, ulong, ulong, ulong> start = &HypervisorStart.Start;
        var descriptors = (ulong)parameters->Descriptors;
        ulong stackTop = descriptors + (HostDescriptors.MainStackEndPage * (ulong)PageSize.Small);
        ulong result = Stubs.Launch((byte*)start + delta, parameters, (void*)stackTop);
        if (result != ulong.MaxValue)
        {
            Firmware.Say("Hv: virtualization could not be started. The OS is started without Hv.");
            return BootLoader.StartPlain();
        }
        OtherProcessors.Start(parameters, delta, processors);
        Firmware.SayProcessors((uint)parameters->Joined, (uint)processors);
        Firmware.Say("Hv: running.");
        return BootLoader.StartUnderHv();
    }

    private static Uefi.LoadedImage* LoadedImage() => (LoadedImage*)Firmware.Protocol(Firmware.Image, EfiGuid.LoadedImage);

    // Of an x2APIC the 32 bits (CPUID 0Bh), else the 8 bits of leaf 1 (Intel SDM vol. 3A, 9.4.5.1).
    private static uint ApicIdOfThisProcessor
    {
        get
        {
            const uint topologyLeaf = 0x0B;
            if (CpuidResult.Of(0).Eax >= topologyLeaf && CpuidResult.Of(topologyLeaf).Ebx != 0)
                return CpuidResult.Of(topologyLeaf).Edx;
            return CpuidResult.Of(1).Ebx >> 24;
        }
    }

    private static ScreenMode Describe(GraphicsModeInformation* mode) => mode == null ? default : new ScreenMode
    {
        Width = mode->HorizontalResolution,
        Height = mode->VerticalResolution,
        PixelsPerLine = mode->PixelsPerScanLine,
        Format = mode->PixelFormat switch
        {
            GraphicsModeInformation.RedGreenBlue => ScreenFormat.RedGreenBlue,
            GraphicsModeInformation.BlueGreenRed => ScreenFormat.BlueGreenRed,
            _ => ScreenFormat.Unknown,
        },
    };

    private static bool Prepare(ulong entryTsc, out BootParameters* parameters)
    {
        parameters = null;
        LoadedImage* image = LoadedImage();
        var loaded = new ReadOnlySpan<byte>(image->ImageBase, (int)image->ImageSize);
        if (!MemoryMap.Read(out MemoryMap map))
            return false;
        byte* memory = Firmware.Allocate((ulong)sizeof(BootParameters));
        if (memory == null)
            return false;
        new Span<byte>(memory, sizeof(BootParameters)).Clear();
        parameters = (BootParameters*)memory;
        parameters->EntryTsc = entryTsc;
        parameters->EfiImageBytes = image->ImageSize;
        var graphics = (GraphicsOutput*)Firmware.Locate(EfiGuid.GraphicsOutput);
        if (graphics != null && graphics->Mode != null)
        {
            parameters->FrameBuffer = graphics->Mode->FrameBufferBase;
            parameters->FrameBufferBytes = graphics->Mode->FrameBufferSize;
            parameters->Screen = Describe(graphics->Mode->Info);
        }
        parameters->AcpiRoot = (byte*)Firmware.ConfigurationTable(EfiGuid.Acpi20Table);
        ReadOnlySpan<byte> madt = parameters->AcpiRoot == null ? default : AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Madt);
        parameters->Processors = ProcessorTable.List(madt, ApicIdOfThisProcessor, new Span<uint>(parameters->ApicIds, ProcessorGroup.Maximum));
        parameters->HasOwnStart = parameters->Processors > 1 && (Firmware.Locate(EfiGuid.MpServices) == null || Firmware.HasFile(image->DeviceHandle, OwnStartFile));
        if (!MemoryPlan.Reserve(in map, RegionBytes + (uint)(parameters->Processors - 1) * RegionBytesPerProcessor, parameters))
            return false;

        ulong imageBytes = (image->ImageSize + PageSize.Small - 1) & ~(ulong)(PageSize.Small - 1);
        parameters->Image = parameters->Region;
        parameters->ImageBytes = imageBytes;
        parameters->Descriptors = parameters->Region + imageBytes;
        parameters->Free = parameters->Descriptors + (uint)parameters->Processors * HostDescriptors.Pages * PageSize.Small;
        new Span<byte>(parameters->Region, (int)parameters->RegionBytes).Clear();
        var copy = new Span<byte>(parameters->Image, (int)image->ImageSize);
        loaded.CopyTo(copy);
        if (PortableExecutable.Relocate(copy, (ulong)parameters->Image - (ulong)image->ImageBase) != Status.Ok)
            return false;

        parameters->TscFrequency = MeasureTsc();
        return true;
    }

    // Hz. The firmware's wait lasts at least as long as it is asked to; an SMI, or an emulator that is kept from running, makes it longer: the shortest one counts.
    private static ulong MeasureTsc()
    {
        ulong shortest = ulong.MaxValue;
        for (int i = 0; i < Calibrations; i++)
        {
            ulong before = Stubs.ReadTsc();
            Firmware.Boot->Stall(CalibrationMicroseconds);
            shortest = Math.Min(shortest, Stubs.ReadTsc() - before);
        }
        return shortest * (1_000_000 / CalibrationMicroseconds);
    }
}
