using System;
using Hv.Boot.Uefi;
using Hv.Drivers.Block;
using Hv.Drivers.Iommu;
using Hv.Drivers.Nvme.Virtual;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;

using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Vm;
using Hv.Shadow.Blocks;
using Hv.Shadow.Control;
using Hv.Shadow.Disk;
using Hv.Shadow.Journal;
using Hv.Shadow.Machine;

namespace Hv.Boot;

/// <summary>Hv's side of the loader's hypercalls: disk take-over, boot snapshot, block I/O for the firmware.</summary>
/// <remarks>Runs in the exit of the VM that calls. The loader is Hv's own, but its memory is the guest's: everything is read once and checked.</remarks>
internal sealed unsafe class BootCalls : BootCallHandler
{
    private const uint VmcallBytes = 3;
    private const int MaxSegments = 128, MaxPlaces = 256;

    private readonly HvMachine _machine;
    private readonly BlockRequest _request = new(MaxSegments + 1);
    private readonly PermissionMaps _primaryMaps;

    /// <summary>For <paramref name="machine"/>, whose primary exits as <paramref name="primaryMaps"/> say.</summary>
    public BootCalls(HvMachine machine, PermissionMaps primaryMaps)
    {
        _machine = machine;
        _primaryMaps = primaryMaps;
    }

    /// <inheritdoc/>
    public override bool Handle(GuestVm vm, ulong number, ulong first, ulong second, ulong third, out ulong result)
    {
        result = 0;
        switch (number)
        {
            case Hypercall.TakeDisk:
                result = (ulong)TakeDisk(vm, new GuestPhysical(first));
                return true;
            case Hypercall.Snapshot:
                result = (ulong)TakeSnapshot(vm, new GuestPhysical(first), second, third);
                return true;
            case Hypercall.Block:
                result = (ulong)Transfer(vm, new GuestPhysical(first));
                return true;
            case Hypercall.UseEvent:
                result = (ulong)UseEvent(vm, first);
                return true;
            case Hypercall.EndOfBoot:
                vm.AllowsHypercalls = false;
                vm.ForgetStartUps();
                Log.Line(vm.IsShadow ? "Hv: the shadow's OS takes over from the firmware" : "Hv: the OS takes over from the firmware");
                return true;
            default:
                return false;
        }
    }

    private Status TakeDisk(GuestVm vm, GuestPhysical address)
    {
        if (vm.IsShadow || _machine.Disk != null || address.PageOffset + (uint)sizeof(DiskSelection) > PageSize.Small)
            return Status.InvalidState;
        byte* page = vm.Memory.Page(address, write: true);
        if (page == null)
            return Status.BadAddress;
        var selection = (DiskSelection*)(page + address.PageOffset);
        var controllerAddress = new PciAddress(selection->Controller);
        uint unit = selection->Unit;
        PciFunctionInfo? controller = _machine.Functions.Find(controllerAddress);
        if (controller == null)
            return Status.NotFound;
        // The firmware may have moved or enabled it since the scan.
        controller.Read(_machine.Pci, controllerAddress, controller.Parent, sizeBars: true);
        Status mapped = _machine.MapRegisters(controller);
        if (mapped != Status.Ok)
            return mapped;
        // Its queues and the shadow's blocks are in Hv's own memory.
        Status reaches = _machine.Quiescer.Remapping?.Set(_machine.Pci, _machine.Functions, controller, DmaAccess.Everything) ?? Status.Ok;
        if (reaches != Status.Ok)
            return reaches;
        Result<BlockDevice> opened = BootDisk.Open(_machine.Pci, controller, unit, _machine.Ports, _machine.Time, _machine.Region);
        if (!opened.IsOk)
            return opened.Status;
        BlockDevice disk = opened.Value;
        _machine.UseSleepingDisk(new SleepingDisk(_machine.Pci, _machine.Functions, controller, disk));
        if (!disk.CanWriteZeroes)
            disk = new ZeroWriter(disk, new HostPhysical((ulong)_machine.Region.TakePage()));
        selection->SectorBytes = disk.SectorSize;
        selection->Sectors = disk.SectorCount;
        _machine.DiskAddress = controllerAddress;
        _machine.Disk = new SnapshotDisk(disk, _machine.Pool, new DiskJournal(disk, _machine.Pool, _machine.Region.TakePage()));
        _ = _machine.FindJournal();
        ulong registers = PlaceRegisters(controller);
        ShowDisk(_machine.Primary, controller, _machine.Disk.PrimaryView, registers);
        ShowDisk(_machine.Shadow, controller, _machine.Disk.PrimaryView, registers);
        HidePorts(controller);
        return Status.Ok;
    }

    // Where the real controller has its own, if there is room. Else a place of its own: an OS would choose the lowest free address, which in a shadow, without the
    // passed-through devices, is one of theirs.
    private ulong PlaceRegisters(PciFunctionInfo controller)
    {
        if (controller.Bars[0].IsMemory && controller.Bars[0].Size >= VirtualNvmeController.BarBytes)
            return controller.Bars[0].Address;
        if (controller.HasParent)
            return 0;
        PlatformConfiguration configuration = _machine.Configuration;
        var places = new RegisterPlaces(MaxPlaces);
        places.Add(configuration.EcamAddress, configuration.EcamAddress + PciConfigSpace.EcamBytes(configuration.EcamBuses));
        places.Add(_machine.FrameBuffer, _machine.FrameBuffer + _machine.FrameBufferBytes);
        for (int i = 0; i < _machine.Functions.Count; i++)
        {
            if (!_machine.Functions[i].HasParent)
                places.AddFunction(_machine.Pci, _machine.Functions[i]);
        }
        return places.FindRoom(VirtualNvmeController.BarBytes);
    }

    private void ShowDisk(GuestVm vm, PciFunctionInfo controller, BlockDevice view, ulong registers)
    {
        // The name by which an OS knows the disk for good: made from where it is.
        Span<byte> name = stackalloc byte[16];
        "Hv boot disk "u8.CopyTo(name);
        name[14] = (byte)(controller.Address.Value >> 8);
        name[15] = (byte)controller.Address.Value;
        var commands = new ControlCommands(_machine, vm, new StatusReport(BuildId.Bytes()));
        vm.Control = commands;
        vm.Nvme = new VirtualNvmeController(new NvmeIdentity("HV0001"u8, "1"u8, name), view, vm.Memory, _machine.ApicMessages, commands);
        vm.Nvme.ConnectIntx(0, 0xFF, new NoLine());
        if (controller.Address.Function == 0 && IsMultiFunction(controller.Address))
            vm.Nvme.SetMultiFunction();
        if (registers != 0)
            vm.Nvme.SetBarAddress(0, registers);
        vm.ShowDisk(_machine.Configuration.EcamAddress == 0 ? 0 : _machine.Configuration.EcamAddress + ((ulong)controller.Address.Value << PageSize.SmallShift));
        vm.Platform.Pci.Add(controller.Address.Bus, controller.Address.Device, controller.Address.Function, vm.Nvme);
        if (!vm.IsShadow)
            vm.HideDevicePages();
    }

    private bool IsMultiFunction(PciAddress address) => (_machine.Pci.Read8(address, Drivers.Pci.PciRegister.HeaderType) & 0x80) != 0;

    // Configuration ports, and of an IDE controller its own: nobody but Hv may touch the disk.
    private void HidePorts(PciFunctionInfo controller)
    {
        for (ushort port = PortPciHost.AddressPort; port < PortPciHost.DataPort + 4; port++)
            _primaryMaps.SetPort(port, true);
        for (int i = 0; i < _machine.Power.Count; i++)
            _primaryMaps.SetPort(_machine.Power.Number(i), true);
        const uint ideClass = 0x0101;
        if (controller.Class >> 8 != ideClass)
            return;
        for (ushort port = 0x1F0; port < 0x1F8; port++)
            _primaryMaps.SetPort(port, true);
        for (ushort port = 0x170; port < 0x178; port++)
            _primaryMaps.SetPort(port, true);
        _primaryMaps.SetPort(0x3F6, true);
        _primaryMaps.SetPort(0x376, true);
        ulong busMaster = controller.Bars[4].Address;
        for (ulong i = 0; i < 16 && busMaster != 0; i++)
            _primaryMaps.SetPort((ushort)(busMaster + i), true);
    }

    private Status UseEvent(GuestVm vm, ulong number)
    {
        if (vm.IsShadow || _machine.Snapshot != null)
            return Status.InvalidState;
        HotAddEvent hotAdd = _machine.HotAdd;
        Status status = hotAdd.Use(in _machine.Configuration.Acpi, number);
        if (status != Status.Ok)
            return status;
        _primaryMaps.SetPort(hotAdd.StatusPort, true);
        _primaryMaps.SetPort(hotAdd.EnablePort, true);
        return Status.Ok;
    }

    private Status TakeSnapshot(GuestVm vm, GuestPhysical map, ulong bytes, ulong descriptorBytes)
    {
        if (vm.IsShadow || _machine.Snapshot != null || _machine.Disk == null)
            return Status.InvalidState;
        ulong began = _machine.Time.Nanoseconds;
        var snapshot = new BootSnapshot(_machine.Pool, _machine.Region, _machine.NewPlatform(), _machine.Processors.Count);
        AddFunctions(snapshot);
        Status status = CopyMemory(vm, snapshot, map, bytes, descriptorBytes);
        if (status != Status.Ok)
            return status;
        snapshot.TakeProcessor(vm.Vcpu, VmcallBytes, Hypercall.SnapshotRestored, _machine.Real);
        _machine.CaptureOthers(snapshot);
        _machine.UseSnapshot(snapshot);
        ReadOnlySpan<byte> observed = VirtualPlatform.ObservedPorts;
        for (int i = 0; i < observed.Length; i++)
            _primaryMaps.SetPort(observed[i], true);
        BootHeap.Seal();
        Log.Write("Hv: boot snapshot of ");
        Log.Decimal(snapshot.Memory.Count);
        Log.Write(" pages in ");
        Log.Decimal((_machine.Time.Nanoseconds - began) / 1_000_000);
        Log.Line(" ms");
        return Status.Ok;
    }

    // Bridges are seen by a shadow; everything else of the real machine is silenced at a switch. A remapping unit does no DMA for anybody, and is Hv's or nobody's.
    private void AddFunctions(BootSnapshot snapshot)
    {
        for (int i = 0; i < _machine.Functions.Count; i++)
        {
            PciFunctionInfo function = _machine.Functions[i];
            if (function.Address == _machine.DiskAddress)
            {
                snapshot.Platform.Pci.Add(function.Address.Bus, function.Address.Device, function.Address.Function, _machine.Shadow.Nvme!);
                continue;
            }
            if (function.IsBridge)
                _machine.AddBridge(function, snapshot.Platform);
            else if (function.Class >> 8 != PciConfig.RemappingUnit)
                _ = _machine.Quiescer.Add(function);
        }
    }

    private Status CopyMemory(GuestVm vm, BootSnapshot snapshot, GuestPhysical map, ulong bytes, ulong descriptorBytes)
    {
        const ulong mostBytes = 64 * 1024;
        const ulong legacyStart = 0xC_0000, legacyEnd = 0x10_0000;
        if (descriptorBytes < (ulong)sizeof(EfiMemoryDescriptor) || bytes > mostBytes)
            return Status.InvalidArgument;
        Status status = Remember(snapshot, legacyStart, legacyEnd, isUsed: true, isOrdinary: false);
        for (ulong offset = 0; offset + descriptorBytes <= bytes && status == Status.Ok; offset += descriptorBytes)
        {
            EfiMemoryDescriptor descriptor;
            if (!ReadGuest(vm, map + offset, &descriptor, (uint)sizeof(EfiMemoryDescriptor)))
                return Status.BadAddress;
            ulong start = descriptor.PhysicalStart, length = descriptor.NumberOfPages << PageSize.SmallShift;
            bool isMemory = descriptor.Type is >= EfiMemoryType.LoaderCode and <= EfiMemoryType.Conventional
                or EfiMemoryType.AcpiReclaim or EfiMemoryType.AcpiNvs;
            bool isLegacy = start < legacyEnd && start + length > legacyStart;
            if (!isMemory && descriptor.Type != EfiMemoryType.Reserved || isLegacy || _machine.Own.Overlaps(start, length))
                continue;
            if (start > _machine.Own.MemoryEnd || length > _machine.Own.MemoryEnd - start)
                continue;
            if (descriptor.Type == EfiMemoryType.Reserved && !_machine.IsWriteBack(start))
                continue;
            status = Remember(snapshot, start, start + length, descriptor.Type != EfiMemoryType.Conventional, descriptor.Type != EfiMemoryType.Reserved);
        }
        return status;
    }

    // No system writes to what is reserved: it need not, and must not, be put back at its own place.
    private Status Remember(BootSnapshot snapshot, ulong start, ulong end, bool isUsed, bool isOrdinary)
    {
        Status status = _machine.Ranges.Add(start, end);
        return status == Status.Ok && isUsed ? snapshot.Memory.Copy(start, end, isOrdinary) : status;
    }

    private Status Transfer(GuestVm vm, GuestPhysical address)
    {
        BlockCall call;
        if (_machine.Disk == null)
            return Status.InvalidState;
        if (!ReadGuest(vm, address, &call, (uint)sizeof(BlockCall)))
            return Status.BadAddress;
        BlockDevice disk = vm.IsShadow ? _machine.Disk.ShadowView : _machine.Disk.PrimaryView;
        if (call.Operation == BlockCall.Flush)
        {
            _request.Prepare(BlockOperation.Flush, 0, 0);
            return disk.Execute(_request);
        }
        if (call.Operation > BlockCall.Write || call.Sector > disk.SectorCount || call.Count > disk.SectorCount - call.Sector)
            return Status.InvalidArgument;
        uint perRequest = Math.Min(disk.MaxTransferSectors, (MaxSegments - 1) * PageSize.Small / disk.SectorSize);
        ulong buffer = call.Buffer;
        for (ulong done = 0; done < call.Count;)
        {
            uint sectors = (uint)Math.Min(call.Count - done, perRequest);
            _request.Prepare(call.Operation == BlockCall.Read ? BlockOperation.Read : BlockOperation.Write, call.Sector + done, sectors);
            if (!AddBuffer(vm, ref buffer, sectors * disk.SectorSize, call.Operation == BlockCall.Read))
                return Status.BadAddress;
            Status status = disk.Execute(_request);
            if (status != Status.Ok)
                return status;
            done += sectors;
        }
        return Status.Ok;
    }

    private bool AddBuffer(GuestVm vm, ref ulong buffer, uint bytes, bool write)
    {
        while (bytes != 0)
        {
            var at = new GuestPhysical(buffer);
            byte* page = vm.Memory.Page(at, write);
            uint part = Math.Min(bytes, PageSize.Small - at.PageOffset);
            if (page == null || !_request.AddSegment(new HostPhysical((ulong)page + at.PageOffset), part))
                return false;
            buffer += part;
            bytes -= part;
        }
        return true;
    }

    private static bool ReadGuest(GuestVm vm, GuestPhysical address, void* to, uint bytes)
    {
        for (uint done = 0; done < bytes;)
        {
            GuestPhysical at = address + done;
            byte* page = vm.Memory.Page(at, write: false);
            if (page == null)
                return false;
            uint part = Math.Min(bytes - done, PageSize.Small - at.PageOffset);
            new ReadOnlySpan<byte>(page + at.PageOffset, (int)part).CopyTo(new Span<byte>((byte*)to + done, (int)part));
            done += part;
        }
        return true;
    }
}
