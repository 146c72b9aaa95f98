namespace Hv.Drivers.Pci.Host;

/// <summary>The address of a PCI function: bus, device, function (one segment).</summary>
public readonly struct PciAddress
{
    /// <summary>Bus in bits 15:8, device in bits 7:3, function in bits 2:0: the requester ID.</summary>
    public readonly ushort Value;

    /// <summary>Wraps a requester ID.</summary>
    public PciAddress(ushort value) => Value = value;

    /// <summary>Bus 0-255, device 0-31, function 0-7.</summary>
    public PciAddress(int bus, int device, int function) =>
        Value = (ushort)(((bus & 0xFF) << 8) | ((device & 0x1F) << 3) | (function & 7));

    /// <summary>The bus, 0-255.</summary>
    public int Bus => Value >> 8;

    /// <summary>The device on its bus, 0-31.</summary>
    public int Device => (Value >> 3) & 0x1F;

    /// <summary>The function of its device, 0-7.</summary>
    public int Function => Value & 7;

    /// <summary>Same function.</summary>
    public static bool operator ==(PciAddress left, PciAddress right) => left.Value == right.Value;

    /// <summary>Another function.</summary>
    public static bool operator !=(PciAddress left, PciAddress right) => left.Value != right.Value;

    /// <inheritdoc/>
    public override bool Equals(object? other) => other is PciAddress address && address.Value == Value;

    /// <inheritdoc/>
    public override int GetHashCode() => Value;
}
