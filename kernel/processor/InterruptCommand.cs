namespace Hv.Kernel.Processor;

/// <summary>The low half of a local APIC's interrupt command register (Intel SDM vol. 3A, 11.6.1).</summary>
public readonly struct InterruptCommand
{
    /// <summary>Where the destination is in the high half in xAPIC mode.</summary>
    public const int XapicDestinationShift = 24;

    /// <summary>The physical destinations that mean all processors.</summary>
    public const uint XapicBroadcast = 0xFF, X2ApicBroadcast = uint.MaxValue;

    private const uint DeliveryMask = 7 << 8, DeliveryInit = 5 << 8, DeliveryStartUp = 6 << 8;
    private const uint Logical = 1 << 11, Assert = 1 << 14, Level = 1 << 15;
    private const uint ShorthandMask = 3 << 18, Self = 1 << 18, All = 2 << 18, Others = 3 << 18;

    private readonly uint _value;

    /// <summary>An INIT for one processor.</summary>
    public const uint Init = DeliveryInit | Assert;

    /// <summary>A start-up message for one processor, to begin at <paramref name="vector"/> times 4 KiB.</summary>
    public static uint StartUp(byte vector) => DeliveryStartUp | Assert | vector;

    /// <summary>Reads <paramref name="value"/>.</summary>
    public InterruptCommand(uint value) => _value = value;

    /// <summary>INIT.</summary>
    public bool IsInit => (_value & DeliveryMask) == DeliveryInit;

    /// <summary>Start-up.</summary>
    public bool IsStartUp => (_value & DeliveryMask) == DeliveryStartUp;

    /// <summary>The destination is a logical one.</summary>
    public bool IsLogical => !HasShorthand && (_value & Logical) != 0;

    /// <summary>The end of a level-triggered INIT, which processors since the Pentium 4 ignore.</summary>
    public bool IsDeassert => IsInit && (_value & (Level | Assert)) == Level;

    /// <summary>The destination does not count.</summary>
    public bool HasShorthand => (_value & ShorthandMask) != 0;

    /// <summary>Shorthand: the sender itself.</summary>
    public bool IsToSelf => (_value & ShorthandMask) == Self;

    /// <summary>Shorthand: all processors.</summary>
    public bool IsToAll => (_value & ShorthandMask) == All;

    /// <summary>Shorthand: all but the sender.</summary>
    public bool IsToOthers => (_value & ShorthandMask) == Others;

    /// <summary>The vector.</summary>
    public byte Vector => (byte)_value;

    /// <summary>The same for one destination.</summary>
    public uint WithoutShorthand => _value & ~(ShorthandMask | Logical);
}
