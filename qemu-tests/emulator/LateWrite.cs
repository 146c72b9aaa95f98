namespace Hv.EmulatorTests;

/// <summary>A device's write to memory, and what became of it.</summary>
/// <param name="Target">The address.</param>
/// <param name="Arrived">Whether memory has changed there.</param>
/// <param name="Faults">How many requests the remapping unit had refused afterwards.</param>
/// <param name="FaultDevice">The device of the last one.</param>
/// <param name="FaultAddress">Its address, hexadecimal.</param>
public readonly record struct LateWrite(ulong Target, bool Arrived, long Faults, string? FaultDevice, string? FaultAddress);
