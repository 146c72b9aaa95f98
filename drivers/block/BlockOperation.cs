namespace Hv.Drivers.Block;

/// <summary>What a <see cref="BlockRequest"/> asks for.</summary>
public enum BlockOperation : byte
{
    /// <summary>Sectors to memory.</summary>
    Read,
    /// <summary>Memory to sectors.</summary>
    Write,
    /// <summary>Makes every write that has completed durable; has no range and no memory.</summary>
    Flush,
    /// <summary>Makes the range read as zeroes; has no memory.</summary>
    WriteZeroes,
    /// <summary>The contents of the range are no longer needed: a hint that a device may ignore; has no memory.</summary>
    Discard,
}
