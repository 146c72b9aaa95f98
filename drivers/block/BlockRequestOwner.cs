namespace Hv.Drivers.Block;

/// <summary>Who is told when a request completes.</summary>
public abstract class BlockRequestOwner
{
    /// <summary>
    /// <paramref name="request"/> is done and its <see cref="BlockRequest.Status"/> is final; it may be used anew at once.
    /// Called from within <see cref="BlockDevice.Submit"/>, <see cref="BlockDevice.Poll"/> or <see cref="BlockDevice.AbortAll"/> of
    /// the device, on the processor that runs them.
    /// </summary>
    public abstract void Completed(BlockRequest request);
}
