using Hv.Drivers.Block;
using Hv.Kernel;

namespace Hv.Shadow.Blocks;

/// <summary>The disk as one of the two VMs sees it.</summary>
internal sealed class SnapshotView : BlockDevice
{
    private readonly SnapshotDisk _owner;
    private readonly BlockDevice _disk;
    private readonly bool _isShadow;

    public SnapshotView(SnapshotDisk owner, BlockDevice disk, bool isShadow) : base(disk.Time)
    {
        _owner = owner;
        _disk = disk;
        _isShadow = isShadow;
    }

    /// <inheritdoc/>
    public override uint SectorSize => _disk.SectorSize;

    /// <inheritdoc/>
    public override ulong SectorCount => _disk.SectorCount;

    /// <inheritdoc/>
    public override uint MaxTransferSectors => _disk.MaxTransferSectors;

    /// <inheritdoc/>
    public override void Poll() => _disk.Poll();

    /// <inheritdoc/>
    /// <remarks>There is one disk: what the other view has in flight is aborted too.</remarks>
    public override void AbortAll(Status status) => _owner.AbortAll(status);

    /// <summary>Hands the request to the disk as it is.</summary>
    public void PassOn(BlockRequest request) => Forward(_disk, request);

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        if (_owner.ChangesJournal(request))
            request.Complete(Status.DeviceError);
        else if (_isShadow)
            _owner.StartShadow(request);
        else
            _owner.StartPrimary(request);
    }
}
