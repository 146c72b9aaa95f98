namespace Hv.Drivers.Quiesce;

/// <summary>What one <see cref="StopStep"/> does.</summary>
public enum StopOperation : byte
{
    /// <summary>Clears and sets bits of a register; not written if nothing changes.</summary>
    Change,
    /// <summary>The same for <see cref="StopPlan.MaxStreams"/> registers, one after the other at a distance.</summary>
    ChangeEach,
    /// <summary>Writes a register without reading it.</summary>
    Write,
    /// <summary>Reads a register for what the read itself does.</summary>
    Read,
    /// <summary>Waits for bits; goes on after the time limit.</summary>
    Await,
    /// <summary>Waits for bits; after the time limit the device has not reacted.</summary>
    Require,
    /// <summary>Like <see cref="Require"/>, with the time limit in units of 500 ms, less one, in the device's byte that the limit names.</summary>
    RequireAsDeviceSays,
    /// <summary>Leaves the device alone for the time given.</summary>
    Pause,
    /// <summary>The registers of the following steps begin behind as many bytes as the device's first byte says.</summary>
    SkipCapabilities,
}
