using System;
using System.Numerics;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Pci;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>
/// An NVMe 1.4 controller that exists in Hv only: what a VM has for a disk. BAR 0 holds the registers, the doorbells from 1000h and the
/// MSI-X table from 2000h. Commands are read and started within the exit that rings a doorbell; they complete there, or within <see cref="Poll"/>.
/// </summary>
/// <remarks>
/// Used by one processor at a time: the caller holds the disk's lock. Allocates in its constructor only. While a command is with a device
/// that completes later, the memory behind the guest's pages must stay where it is.
/// </remarks>
public sealed partial class VirtualNvmeController : VirtualPciFunction
{
    /// <summary>PCI vendor: a number of Hv's own, not given out by the PCI-SIG.</summary>
    public const ushort VendorId = 0x4856;
    /// <summary>PCI device.</summary>
    public const ushort DeviceId = 0x0001;
    /// <summary>Pairs of I/O queues.</summary>
    public const int MaxIoQueues = 8;
    /// <summary>Entries that an I/O queue may have.</summary>
    public const uint MaxQueueEntries = 1024;
    /// <summary>Namespace numbers go from 1 to this.</summary>
    public const uint MaxNamespaces = 2;
    /// <summary>The namespace that is always there.</summary>
    public const uint MainNamespace = 1;
    /// <summary>Bytes of BAR 0.</summary>
    public const ulong BarBytes = 0x4000;

    private const uint NvmeClass = 0x010802;
    private const uint MsixOffset = 0x2000;
    private const int Vectors = MaxIoQueues + 1;
    private const ulong TimeoutUnits = BlockDevice.TimeLimitNanoseconds / 500_000_000;
    private const ulong Capabilities = (MaxQueueEntries - 1) | NvmeRegisters.CapContiguousQueuesRequired
        | TimeoutUnits << NvmeRegisters.CapTimeoutShift | NvmeRegisters.CapNvmCommandSet;

    private readonly VirtualNamespace[] _namespaces = new VirtualNamespace[MaxNamespaces];
    private readonly Messages _messages;
    private readonly AdminCommands _admin;
    private readonly IoCommands _io;
    private readonly ShutdownFlush _shutdown;
    private uint _configuration;
    private uint _status;
    private uint _interruptMask;
    private uint _adminAttributes;
    private ulong _adminSubmission;
    private ulong _adminCompletion;

    /// <summary>
    /// Makes a controller in its power-on state. <paramref name="disk"/> is namespace 1; <paramref name="memory"/> is the VM's;
    /// <paramref name="messages"/> takes its MSI-X messages; <paramref name="vendor"/> carries out the vendor-specific admin commands.
    /// </summary>
    public VirtualNvmeController(NvmeIdentity identity, BlockDevice disk, GuestMemory memory, MessageSink messages, VendorCommands vendor)
        : base(VendorId, DeviceId, NvmeClass, revision: 1, VendorId, DeviceId)
    {
        Memory = memory;
        _messages = new Messages(messages);
        DefineMemoryBar(0, BarBytes, wide: true, prefetchable: false);
        AddMsix(new MsixTable(Vectors, _messages), 0, MsixOffset);
        for (int i = 0; i < _namespaces.Length; i++)
            _namespaces[i] = new VirtualNamespace();
        _namespaces[MainNamespace - 1].Attach(disk, readOnly: false, identity.Guid);
        ulong transfer = Math.Min(GuestBuffer.MaxBytes, (ulong)disk.MaxTransferSectors * disk.SectorSize);
        TransferShift = BitOperations.Log2(transfer / PageSize.Small);
        for (int i = 0; i <= MaxIoQueues; i++)
        {
            _submissionQueues[i] = new SubmissionQueue((ushort)i);
            _completionQueues[i] = new CompletionQueue((ushort)i);
        }
        _admin = new AdminCommands(this, identity, vendor, new FeatureSet(MaxIoQueues, Vectors));
        _io = new IoCommands(this, _admin.Logs, _admin.Features, MaxTransferBytes);
        _shutdown = new ShutdownFlush(this);
    }

    /// <summary>Whether the guest has enabled the controller and it processes commands: CSTS.RDY.</summary>
    public bool IsReady => (_status & NvmeRegisters.StatusReady) != 0;

    /// <summary>Whether a command is with a block device.</summary>
    public bool IsBusy => _io.InFlight != 0 || _shutdown.IsWaiting;

    /// <summary>The VM's memory.</summary>
    internal GuestMemory Memory { get; private set; }

    /// <summary>MDTS: log2 of the longest transfer in 4 KiB units.</summary>
    internal int TransferShift { get; }

    /// <summary>The longest transfer in bytes.</summary>
    internal uint MaxTransferBytes => PageSize.Small << TransferShift;

    /// <summary>Interrupt vectors that the guest may use at the moment.</summary>
    internal int VectorCount => Msix!.Enabled ? Vectors : 1;

    /// <summary>A controller reset is under way: it waits for the commands that are with a block device.</summary>
    internal bool IsResetting { get; private set; }

    internal bool HasSubmissionEntrySize => (_configuration >> NvmeRegisters.ConfigSubmissionEntryShift & 0xF) == NvmeCommand.Shift;

    internal bool HasCompletionEntrySize => (_configuration >> NvmeRegisters.ConfigCompletionEntryShift & 0xF) == NvmeCompletion.Shift;

    /// <summary>
    /// Adds a namespace, or gives a number to another disk; the guest is told. <paramref name="guid"/> is 16 bytes that no other namespace has.
    /// InvalidArgument if the number or the disk does not suit. Only while <see cref="Pause"/>d, or if the number is free.
    /// </summary>
    public Status AttachNamespace(uint id, BlockDevice disk, bool readOnly, ReadOnlySpan<byte> guid)
    {
        if (!IsNamespaceId(id) || (ulong)disk.MaxTransferSectors * disk.SectorSize < MaxTransferBytes || guid.Length != VirtualNamespace.GuidBytes)
            return Status.InvalidArgument;
        _namespaces[id - 1].Attach(disk, readOnly, guid);
        NamespaceChanged(id);
        return Status.Ok;
    }

    /// <summary>Takes a namespace away; the guest is told. InvalidArgument for the first. Only while <see cref="Pause"/>d.</summary>
    public Status DetachNamespace(uint id)
    {
        if (!IsNamespaceId(id) || id == MainNamespace)
            return Status.InvalidArgument;
        _namespaces[id - 1].Detach();
        NamespaceChanged(id);
        return Status.Ok;
    }

    /// <summary>
    /// Goes on with another VM's memory, disk and interrupt controllers: the guest's own state is untouched, it notices nothing. The wire of
    /// INTx is changed with <see cref="VirtualPciFunction.ConnectIntx"/>. InvalidArgument if the disk has another geometry. Only while <see cref="Pause"/>d.
    /// </summary>
    public Status Rebind(GuestMemory memory, BlockDevice disk, MessageSink messages)
    {
        BlockDevice old = _namespaces[MainNamespace - 1].Device!;
        if (disk.SectorSize != old.SectorSize || disk.SectorCount != old.SectorCount || (ulong)disk.MaxTransferSectors * disk.SectorSize < MaxTransferBytes)
            return Status.InvalidArgument;
        Invariant.Holds(_paused && !IsBusy, "a controller is rebound while it works");
        _namespaces[MainNamespace - 1].Replace(disk);
        _messages.Target = messages;
        Memory = memory;
        _admin.Rebind();
        return Status.Ok;
    }

    /// <summary>
    /// Becomes a copy of <paramref name="other"/>, another VM's controller, for a fork; namespaces, memory and message sink stay its own. Vendor
    /// commands that are pending there are pending here too, and handed to <see cref="VendorCommands.Adopt"/>. Both must be <see cref="Pause"/>d.
    /// </summary>
    public void CopyStateFrom(VirtualNvmeController other)
    {
        Invariant.Holds(_paused && !IsBusy && other._paused && !other.IsBusy, "a controller is copied while it works");
        _configuration = other._configuration;
        _status = other._status;
        _interruptMask = other._interruptMask;
        _adminAttributes = other._adminAttributes;
        _adminSubmission = other._adminSubmission;
        _adminCompletion = other._adminCompletion;
        for (int i = 0; i <= MaxIoQueues; i++)
        {
            _submissionQueues[i].CopyFrom(other._submissionQueues[i]);
            _completionQueues[i].CopyFrom(other._completionQueues[i]);
        }
        CopyHeaderFrom(other);
        // Answers what waited in the other one: interrupts of that need the header.
        _admin.CopyFrom(other._admin);
        _intx = other._intx;
    }

    /// <summary>Power-on reset, at once: waits for commands that are with a block device, or aborts them. Ends a <see cref="Pause"/>.</summary>
    public override void Reset()
    {
        // Without the enable bit the end of the reset leaves the controller disabled.
        _configuration = 0;
        BeginReset();
        WaitUntilIdle();
        _adminAttributes = 0;
        _adminSubmission = 0;
        _adminCompletion = 0;
        _admin.Logs.Reset();
        _paused = false;
        base.Reset();
    }

    /// <summary>Stops taking commands, and waits for those that are with a block device; what takes too long is aborted.</summary>
    public void Pause()
    {
        _paused = true;
        WaitUntilIdle();
    }

    /// <summary>Takes commands again, with what has been queued in the meantime.</summary>
    public void Resume()
    {
        _paused = false;
        Process();
    }

    /// <inheritdoc/>
    public override ulong ReadBar(int bar, ulong offset, int size)
    {
        if (bar != 0 || offset >= BarBytes)
            return 0;
        if (offset >= MsixOffset)
            return Msix!.ReadMmio(offset - MsixOffset, size);
        if (offset >= NvmeRegisters.Doorbells)
            return 0;
        uint aligned = (uint)offset & ~3u;
        ulong value = ReadRegister(aligned);
        if ((offset & 3) + (uint)size > sizeof(uint))
            value |= (ulong)ReadRegister(aligned + 4) << 32;
        value >>= (int)(offset & 3) * 8;
        return size switch
        {
            1 => (byte)value,
            2 => (ushort)value,
            4 => (uint)value,
            _ => value,
        };
    }

    /// <inheritdoc/>
    /// <remarks>Anything but aligned accesses of 4 and 8 bytes is dropped.</remarks>
    public override void WriteBar(int bar, ulong offset, int size, ulong value)
    {
        if (bar != 0 || offset >= BarBytes || (offset & 3) != 0 || size < 4)
            return;
        if (offset >= MsixOffset)
        {
            Msix!.WriteMmio(offset - MsixOffset, size, value);
            return;
        }
        WriteRegister((uint)offset, (uint)value);
        if (size == 8)
            WriteRegister((uint)offset + 4, (uint)(value >> 32));
    }

    /// <summary>Whether this could be a namespace's number.</summary>
    internal static bool IsNamespaceId(uint id) => id - 1 < MaxNamespaces;

    /// <summary>The namespace, or null if nothing is attached there.</summary>
    internal VirtualNamespace? FindNamespace(uint id) =>
        IsNamespaceId(id) && _namespaces[id - 1].Device != null ? _namespaces[id - 1] : null;

    /// <inheritdoc/>
    protected override void ConfigWritten(int offset, int size) => Process();

    private uint ReadRegister(uint offset)
    {
        switch (offset)
        {
            case NvmeRegisters.Capabilities:
                return unchecked((uint)Capabilities);
            case NvmeRegisters.Capabilities + 4:
                return (uint)(Capabilities >> 32);
            case NvmeRegisters.Version:
                return NvmeRegisters.Version14;
            case NvmeRegisters.InterruptMaskSet:
            case NvmeRegisters.InterruptMaskClear:
                return _interruptMask;
            case NvmeRegisters.Configuration:
                return _configuration;
            case NvmeRegisters.ControllerStatus:
                // A guest that waits for a reset or a shutdown waits here.
                if (IsBusy && (IsResetting || _shutdown.IsWaiting))
                    PollDevices();
                return _status;
            case NvmeRegisters.AdminQueueAttributes:
                return _adminAttributes;
            case NvmeRegisters.AdminSubmissionQueue:
                return (uint)_adminSubmission;
            case NvmeRegisters.AdminSubmissionQueue + 4:
                return (uint)(_adminSubmission >> 32);
            case NvmeRegisters.AdminCompletionQueue:
                return (uint)_adminCompletion;
            case NvmeRegisters.AdminCompletionQueue + 4:
                return (uint)(_adminCompletion >> 32);
            default:
                return 0;
        }
    }

    private void WriteRegister(uint offset, uint value)
    {
        const ulong high = 0xFFFF_FFFF_0000_0000;
        const uint pageMask = ~(PageSize.Small - 1);
        switch (offset)
        {
            case NvmeRegisters.InterruptMaskSet:
                _interruptMask |= value;
                UpdateIntx();
                break;
            case NvmeRegisters.InterruptMaskClear:
                _interruptMask &= ~value;
                UpdateIntx();
                break;
            case NvmeRegisters.Configuration:
                Configure(value & NvmeRegisters.ConfigDefinedBits);
                break;
            case NvmeRegisters.AdminQueueAttributes:
                _adminAttributes = value & (NvmeRegisters.AdminSizeMask | NvmeRegisters.AdminSizeMask << NvmeRegisters.AdminCompletionSizeShift);
                break;
            case NvmeRegisters.AdminSubmissionQueue:
                _adminSubmission = (_adminSubmission & high) | (value & pageMask);
                break;
            case NvmeRegisters.AdminSubmissionQueue + 4:
                _adminSubmission = (uint)_adminSubmission | (ulong)value << 32;
                break;
            case NvmeRegisters.AdminCompletionQueue:
                _adminCompletion = (_adminCompletion & high) | (value & pageMask);
                break;
            case NvmeRegisters.AdminCompletionQueue + 4:
                _adminCompletion = (uint)_adminCompletion | (ulong)value << 32;
                break;
            default:
                if (offset >= NvmeRegisters.Doorbells)
                    RingDoorbell((offset - NvmeRegisters.Doorbells) / sizeof(uint), value);
                break;
        }
    }

    /// <summary>CC was written (3.1.5).</summary>
    private void Configure(uint value)
    {
        uint old = _configuration;
        _configuration = value;
        bool wasEnabled = (old & NvmeRegisters.ConfigEnable) != 0;
        bool isEnabled = (value & NvmeRegisters.ConfigEnable) != 0;
        if (wasEnabled && !isEnabled)
        {
            BeginReset();
            return;
        }
        if (!wasEnabled && isEnabled && !IsResetting)
            Enable();
        if ((value & NvmeRegisters.ConfigShutdownMask) != 0 && (old & NvmeRegisters.ConfigShutdownMask) == 0)
            _shutdown.Begin(_namespaces[MainNamespace - 1].Device!);
    }

    private void Enable()
    {
        uint submission = (_adminAttributes & NvmeRegisters.AdminSizeMask) + 1;
        uint completion = (_adminAttributes >> NvmeRegisters.AdminCompletionSizeShift & NvmeRegisters.AdminSizeMask) + 1;
        uint unsupported = 7u << NvmeRegisters.ConfigCommandSetShift | 0xFu << NvmeRegisters.ConfigPageSizeShift | 7u << NvmeRegisters.ConfigArbitrationShift;
        if ((_configuration & unsupported) != 0 || submission < 2 || completion < 2)
        {
            _status |= NvmeRegisters.StatusFatal;
            return;
        }
        _submissionQueues[0].Create(new GuestPhysical(_adminSubmission), submission, 0);
        _completionQueues[0].Create(new GuestPhysical(_adminCompletion), completion, interrupts: true, 0);
        _completionQueues[0].Users = 1;
        _status = (_status & NvmeRegisters.StatusShutdownMask) | NvmeRegisters.StatusReady;
    }

    /// <summary>Controller reset (7.3.2): queues and all that waits are gone; RDY falls when no command is with a block device any more.</summary>
    private void BeginReset()
    {
        IsResetting = true;
        _admin.Reset();
        EndResetIfIdle();
    }

    private void EndResetIfIdle()
    {
        if (!IsResetting || IsBusy)
            return;
        for (int i = 0; i <= MaxIoQueues; i++)
        {
            _submissionQueues[i].Delete();
            _completionQueues[i].Delete();
        }
        _interruptMask = 0;
        _status = 0;
        IsResetting = false;
        UpdateIntx();
        if ((_configuration & NvmeRegisters.ConfigEnable) != 0)
            Enable();
    }

    private void NamespaceChanged(uint id)
    {
        _admin.Logs.AddChangedNamespace(id);
        if ((_admin.Features.AsyncEvents & NvmeIdentify.NamespaceAttributeNotices) != 0)
            _admin.Events.RaiseNamespaceChange();
        Process();
    }

    private void PollDevices()
    {
        for (int i = 0; i < _namespaces.Length; i++)
            _namespaces[i].Device?.Poll();
    }

    private void WaitUntilIdle()
    {
        var deadline = new Deadline(_namespaces[MainNamespace - 1].Device!.Time, BlockDevice.TimeLimitNanoseconds);
        while (IsBusy)
        {
            PollDevices();
            if (!IsBusy || !deadline.HasPassed)
                continue;
            for (int i = 0; i < _namespaces.Length; i++)
                _namespaces[i].Device?.AbortAll(Status.Timeout);
        }
    }

    /// <summary>Passes messages on to whichever VM the controller belongs to now.</summary>
    private sealed class Messages : MessageSink
    {
        public Messages(MessageSink target) => Target = target;

        public MessageSink Target { get; set; }

        public override void Send(ulong address, uint data) => Target.Send(address, data);
    }

    /// <summary>Shutdown (7.6.2): the disk's cache is flushed, then CSTS says that it is complete.</summary>
    private sealed class ShutdownFlush : BlockRequestOwner
    {
        private readonly VirtualNvmeController _controller;
        private readonly BlockRequest _request = new(0);

        public ShutdownFlush(VirtualNvmeController controller)
        {
            _controller = controller;
            _request.Owner = this;
        }

        public bool IsWaiting { get; private set; }

        public void Begin(BlockDevice disk)
        {
            if (IsWaiting)
                return;
            SetStatus(NvmeRegisters.StatusShutdownOccurring);
            IsWaiting = true;
            _request.Prepare(BlockOperation.Flush, 0, 0);
            disk.Submit(_request);
        }

        public override void Completed(BlockRequest request)
        {
            IsWaiting = false;
            SetStatus(NvmeRegisters.StatusShutdownComplete);
            _controller.EndResetIfIdle();
        }

        private void SetStatus(uint value) => _controller._status = (_controller._status & ~NvmeRegisters.StatusShutdownMask) | value;
    }
}
