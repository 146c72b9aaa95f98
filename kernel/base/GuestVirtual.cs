namespace Hv.Kernel;

/// <summary>An address in guest-virtual (linear) space: what a guest's instructions use, before its own paging.</summary>
public readonly struct GuestVirtual
{
    /// <summary>The address in bytes.</summary>
    public readonly ulong Value;

    /// <summary>Wraps an address in bytes.</summary>
    public GuestVirtual(ulong value) => Value = value;

    /// <summary>The offset in bytes within the 4 KiB page.</summary>
    public uint PageOffset => (uint)Value & (PageSize.Small - 1);

    /// <summary>The address of the 4 KiB page that holds this byte.</summary>
    public GuestVirtual PageBase => new(Value & ~(ulong)(PageSize.Small - 1));

    /// <summary>The number of the 4 KiB page that holds this byte.</summary>
    public ulong PageNumber => Value >> PageSize.SmallShift;

    /// <summary>The address <paramref name="bytes"/> further on (wraps at 2^64).</summary>
    public static GuestVirtual operator +(GuestVirtual address, ulong bytes) => new(address.Value + bytes);

    /// <summary>Same address.</summary>
    public static bool operator ==(GuestVirtual left, GuestVirtual right) => left.Value == right.Value;

    /// <summary>Another address.</summary>
    public static bool operator !=(GuestVirtual left, GuestVirtual right) => left.Value != right.Value;

    /// <inheritdoc/>
    public override bool Equals(object? other) => other is GuestVirtual address && address.Value == Value;

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Value;
}
