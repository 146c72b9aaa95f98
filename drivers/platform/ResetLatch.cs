namespace Hv.Drivers.Platform;

/// <summary>Where the devices that can reset a machine, or switch it off, leave the guest's wish; the first one counts.</summary>
public sealed class ResetLatch
{
    /// <summary>The wish.</summary>
    public ResetRequest Request { get; private set; }

    /// <summary>Notes a wish.</summary>
    public void Ask(ResetRequest request)
    {
        if (Request == ResetRequest.None)
            Request = request;
    }

    /// <summary>It was carried out.</summary>
    public void Clear() => Request = ResetRequest.None;
}
