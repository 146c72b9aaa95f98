namespace Hv.Bench;

/// <summary>A use that a guest has made of a device.</summary>
/// <param name="Kind">net, block, sound, display, input, port, random, usb.</param>
/// <param name="Name">The guest's name.</param>
/// <param name="Facts">What must stay the same: an interface's hardware address, the sum over a disk's first MiB.</param>
/// <param name="Result">"ok" or what went wrong.</param>
public sealed record DeviceUse(string Kind, string Name, string Facts, string Result);
