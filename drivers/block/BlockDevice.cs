using Hv.Kernel;
using Hv.Kernel.Time;

namespace Hv.Drivers.Block;

/// <summary>A disk, or something that looks like one: a range of sectors that requests read and write.</summary>
/// <remarks>
/// Requests in flight at the same time may be carried out in any order. Used by one processor at a time: the caller holds the disk's lock.
/// A device may complete a request within <see cref="Submit"/>, or later within <see cref="Poll"/>.
/// </remarks>
public abstract class BlockDevice
{
    /// <summary>How long <see cref="Execute"/> waits: longer than any healthy disk takes, spin-up and internal error recovery included.</summary>
    public const ulong TimeLimitNanoseconds = 30_000_000_000;

    /// <summary>The most sectors of one <see cref="BlockOperation.WriteZeroes"/>; a <see cref="BlockOperation.Discard"/> reaches to 2^32 - 1.</summary>
    public const uint MaxZeroSectors = 65536;

    /// <summary>For derived classes; <paramref name="time"/> measures the time limit of <see cref="Execute"/>.</summary>
    protected BlockDevice(TimeSource time) => Time = time;

    /// <summary>What the device measures its time limits with.</summary>
    public TimeSource Time { get; }

    /// <summary>Bytes in a sector: 512 or 4096.</summary>
    public abstract uint SectorSize { get; }

    /// <summary>How many sectors there are.</summary>
    public abstract ulong SectorCount { get; }

    /// <summary>How many sectors one read or write may transfer; at least 4 KiB worth.</summary>
    public abstract uint MaxTransferSectors { get; }

    /// <summary>Whether <see cref="BlockOperation.WriteZeroes"/> works; if not, put a <see cref="ZeroWriter"/> in front.</summary>
    public virtual bool CanWriteZeroes => true;

    /// <summary>Starts <paramref name="request"/>. Always ends in its completion, with <see cref="Status.InvalidArgument"/> if it does not suit the device.</summary>
    public void Submit(BlockRequest request)
    {
        request.Begin();
        if (Suits(request))
            Start(request);
        else
            request.Complete(Status.InvalidArgument);
    }

    /// <summary>Completes what has finished since the last call.</summary>
    public abstract void Poll();

    /// <summary>
    /// Stops the hardware and completes everything in flight with <paramref name="status"/>; after it no memory of a request is
    /// touched any more. The device works again afterwards if the hardware lets it.
    /// </summary>
    public abstract void AbortAll(Status status);

    /// <summary>The machine is about to sleep: nothing is in flight any more; the disk prepares for the loss of its power.</summary>
    public virtual Status PrepareForSleep() => Status.Ok;

    /// <summary>Makes the device work again after the loss of its power, or after <see cref="PrepareForSleep"/> alone. Its PCI function is as it was before.</summary>
    public virtual Status WakeUp()
    {
        AbortAll(Status.Aborted);
        return Status.Ok;
    }

    /// <summary>Submits <paramref name="request"/> and waits until it is done. After the time limit everything in flight is aborted.</summary>
    public Status Execute(BlockRequest request)
    {
        Submit(request);
        var deadline = new Deadline(Time, TimeLimitNanoseconds);
        while (!request.IsDone)
        {
            Poll();
            if (!request.IsDone && deadline.HasPassed)
                AbortAll(Status.Timeout);
        }
        return request.Status;
    }

    /// <summary>Starts a request whose range and memory have been checked.</summary>
    protected abstract void Start(BlockRequest request);

    /// <summary>Passes a request that this device was given on to <paramref name="device"/>, which completes it.</summary>
    protected static void Forward(BlockDevice device, BlockRequest request) => device.Start(request);

    private bool Suits(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Flush)
            return request.SectorCount == 0 && request.SegmentBytes == 0;
        ulong count = request.SectorCount;
        if (count == 0 || count > SectorCount || request.FirstSector > SectorCount - count)
            return false;
        switch (request.Operation)
        {
            case BlockOperation.Read:
            case BlockOperation.Write:
                return count <= MaxTransferSectors && request.SegmentBytes == count * SectorSize;
            case BlockOperation.WriteZeroes:
                return count <= MaxZeroSectors && request.SegmentBytes == 0;
            default:
                return count <= uint.MaxValue && request.SegmentBytes == 0;
        }
    }
}
