namespace Hv.Bench;

/// <summary>A device that the bench can plug into a machine.</summary>
/// <param name="Name">What its row is called: QEMU's name for it.</param>
/// <param name="Kind">The kind of use that must work in the guest, as device-check calls it; empty if its driver alone is looked for.</param>
/// <param name="Driver">The guest's driver for it; empty if the guest has none.</param>
public sealed record DeviceModel(string Name, string Kind, string Driver)
{
    /// <summary>The bus it is plugged into.</summary>
    public DevicePlace Place { get; init; } = DevicePlace.Root;

    /// <summary>QEMU's name, where several rows have the same device.</summary>
    public string Device { get; init; } = Name;

    /// <summary>Whether it is a display in the place of the machine's own; one of them at a time.</summary>
    public bool IsScreen { get; init; }

    /// <summary>More properties, as QEMU takes them behind the name.</summary>
    public string Properties { get; init; } = "";

    /// <summary>
    /// What is attached to it: arguments for QEMU in which {id} is the device's identifier, {n} a number of its own, {image} a disk image and
    /// {port} a file that takes what the guest writes.
    /// </summary>
    public IReadOnlyList<string> Attached { get; init; } = [];

    /// <summary>What must exist before it, in the same notation.</summary>
    public IReadOnlyList<string> Before { get; init; } = [];

    /// <summary>Whether a disk image is attached to it.</summary>
    public bool NeedsImage => Attached.Concat(Before).Any(argument => argument.Contains("{image}", StringComparison.Ordinal));
}
