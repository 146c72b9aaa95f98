using System;
using System.Buffers.Binary;
using Hv.Boot.Acpi;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Time;
using Hv.Shadow.Machine;

namespace Hv.Boot;

/// <summary>Puts the machine together from what the firmware says and the processor shows. While booting, on the boot processor.</summary>
internal static unsafe class MachineBuilder
{
    private const ulong LocalApicAddress = 0xFEE0_0000;
    private const uint FeatureX2Apic = 1 << 21, FeatureTscDeadline = 1 << 24;
    private const int MaxQuiesced = 64;

    public static HvMachine Build(BootParameters* parameters, PageTable addressSpace, HvMemory own, PagePool pool, RegionPages pages, IdentityMap identity, PageTable nested)
    {
        var time = new TscClock(parameters->TscFrequency);
        var machine = new HvMachine(addressSpace, own, pool, pages, time, identity, nested);
        machine.FrameBuffer = parameters->FrameBuffer;
        machine.FrameBufferBytes = parameters->FrameBufferBytes;
        machine.ScreenMode = parameters->Screen;
        machine.RegionBytes = parameters->RegionBytes;
        machine.ImageBytes = parameters->EfiImageBytes;
        machine.Configuration = Describe(parameters);
        machine.Power = new PowerPorts(in machine.Configuration.Acpi);
        ApicTimerRate.Set(machine.Configuration.ApicBusHertz, parameters->TscFrequency);
        PlatformConfiguration configuration = machine.Configuration;
        machine.Real = new RealPlatform(machine.HotAdd, new ProcessorMsrs(), new RealMmio(new HostPhysical(LocalApicAddress)),
            new RealMmio(new HostPhysical(configuration.IoApicAddress)),
            configuration.HpetAddress == 0 ? null : new RealMmio(new HostPhysical(configuration.HpetAddress)));
        _ = machine.Functions.Scan(machine.Pci, sizeBars: false);
        bool hasExtended = configuration.EcamAddress != 0;
        for (int i = 0; i < machine.Functions.Count; i++)
        {
            PciFunctionInfo function = machine.Functions[i];
            _ = machine.MapRegisters(function);
            hasExtended = hasExtended && function.Address.Bus < configuration.EcamBuses && AddressSpace.MapDevice(addressSpace,
                configuration.EcamAddress + ((ulong)function.Address.Value << PageSize.SmallShift), PciConfig.ExtendedSize) == Status.Ok;
        }
        PciHost? extended = hasExtended
            ? new EcamPciHost(new RealMmio(new HostPhysical(configuration.EcamAddress)), 0, (byte)(configuration.EcamBuses - 1)) : null;
        if (parameters->FrameBuffer != 0)
            _ = AddressSpace.MapDevice(addressSpace, parameters->FrameBuffer, parameters->FrameBufferBytes);
        machine.Quiescer = new Quiescer(machine.Pci, extended, new RealMmio(new HostPhysical(0)), machine.Ports, time, machine.Functions, MaxQuiesced);
        RemappingBuilder.Build(parameters, machine, identity, nested);
        machine.UseProcessors(machine.Configuration.ApicIds);
        machine.Primary = NewVm(machine);
        machine.Shadow = NewVm(machine);
        machine.Shadow.IsShadow = true;
        Log.Write("Hv: TSC ");
        Log.Decimal(parameters->TscFrequency / 1_000_000);
        Log.Write(" MHz, APIC timer ");
        Log.Decimal(configuration.ApicBusHertz / 1_000_000);
        Log.Write(" MHz, ");
        Log.Decimal((ulong)machine.Functions.Count);
        Log.Write(" PCI functions, pool ");
        Log.Decimal(pool.TotalPages * PageSize.Small >> 20);
        Log.Line(" MiB");
        return machine;
    }

    private static GuestVm NewVm(HvMachine machine)
    {
        var vm = new GuestVm(machine);
        vm.Platform = machine.NewPlatform();
        vm.PrimaryPorts.Observe(vm.Platform, machine.Time);
        vm.PrimaryPorts.Places = machine.Quiescer.Places;
        vm.PrimaryPorts.Power = machine.Power;
        vm.PrimaryPorts.StartUps = machine.StartUps;
        return vm;
    }

    private static PlatformConfiguration Describe(BootParameters* parameters)
    {
        var configuration = new PlatformConfiguration();
        CpuidResult features = CpuidResult.Of(1);
        configuration.ApicIds = new uint[parameters->Processors];
        for (int i = 0; i < parameters->Processors; i++)
            configuration.ApicIds[i] = parameters->ApicIds[i];
        configuration.TscHertz = parameters->TscFrequency;
        configuration.ApicBusHertz = ApicTimerFrequency.Measure(parameters->TscFrequency);
        configuration.HasX2Apic = (features.Ecx & FeatureX2Apic) != 0;
        configuration.HasTscDeadline = (features.Ecx & FeatureTscDeadline) != 0;
        configuration.IoApicAddress = PlatformConfiguration.UsualIoApicAddress;

        // MADT entries (ACPI 6.5, 5.2.12): type 1 is an I/O APIC, its address at 4.
        ReadOnlySpan<byte> madt = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Madt);
        for (int i = 44; i + 2 <= madt.Length && madt[i + 1] >= 2; i += madt[i + 1])
        {
            if (madt[i] == 1 && i + 12 <= madt.Length)
                configuration.IoApicAddress = BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(i + 4));
        }
        ReadOnlySpan<byte> hpet = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Hpet);
        if (hpet.Length >= 52)
            configuration.HpetAddress = BinaryPrimitives.ReadUInt64LittleEndian(hpet.Slice(44));
        // MCFG (PCI Firmware 3.0, 4.1.2): one entry per segment, address at 0, buses at 10 and 11.
        ReadOnlySpan<byte> mcfg = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Mcfg);
        if (mcfg.Length >= 60)
        {
            configuration.EcamAddress = BinaryPrimitives.ReadUInt64LittleEndian(mcfg.Slice(44));
            configuration.EcamBuses = mcfg[55] + 1;
        }
        ReadOnlySpan<byte> fadt = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Fadt);
        configuration.Acpi = FixedHardware(fadt);
        configuration.Acpi.SciGsi = ProcessorTable.GlobalInterrupt(madt, configuration.Acpi.SciGsi);
        FindSleepTypes(parameters, fadt, ref configuration.Acpi);
        return configuration;
    }

    // A suspend from which Hv would not come back is not offered to the OS.
    private static void FindSleepTypes(BootParameters* parameters, ReadOnlySpan<byte> fadt, ref AcpiConfiguration acpi)
    {
        Span<byte> dsdt = FixedTables.FindDsdt(fadt);
        if (SleepTypes.TryFind(dsdt, SleepTypes.SoftOff, out byte off))
            acpi.SleepTypeOff = off;
        parameters->Facs = FixedTables.FindFacs(fadt);
        // The other processors lose their power, too, and nobody would bring them back into Hv.
        bool isPossible = parameters->Processors == 1 && parameters->Facs != 0 && parameters->WakePage != null && acpi.Pm1Control != 0 && acpi.Pm1Event != 0;
        if (isPossible && SleepTypes.TryFind(dsdt, SleepTypes.Suspend, out byte suspend))
        {
            acpi.SleepTypeSuspend = suspend;
            acpi.HasSuspend = true;
        }
        else if (SleepTypes.Hide(dsdt, SleepTypes.Suspend))
        {
            Log.Line("Hv: this machine's suspend to RAM cannot be used");
        }
    }

    // FADT (ACPI 6.5, 5.2.9), the fields that every revision has.
    private static AcpiConfiguration FixedHardware(ReadOnlySpan<byte> fadt)
    {
        AcpiConfiguration acpi = default;
        if (fadt.Length < 116)
            return acpi;
        acpi.SciGsi = fadt[46];
        acpi.SmiCommand = (ushort)BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(48));
        acpi.AcpiEnable = fadt[52];
        acpi.AcpiDisable = fadt[53];
        acpi.Pm1Event = (ushort)BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(56));
        acpi.Pm1Control = (ushort)BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(64));
        acpi.Pm1ControlB = (ushort)BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(68));
        acpi.PmTimer = (ushort)BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(76));
        acpi.Gpe0 = (ushort)BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(80));
        acpi.Gpe0Length = fadt[92];
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(112));
        const uint timer32 = 1 << 8, resetSupported = 1 << 10;
        acpi.PmTimerIs32Bit = (flags & timer32) != 0;
        const byte systemIo = 1;
        if (fadt.Length >= 129 && (flags & resetSupported) != 0 && fadt[116] == systemIo)
        {
            acpi.ResetPort = (ushort)BinaryPrimitives.ReadUInt64LittleEndian(fadt.Slice(120));
            acpi.ResetValue = fadt[128];
        }
        return acpi;
    }
}
