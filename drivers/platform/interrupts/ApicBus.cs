namespace Hv.Drivers.Platform;

/// <summary>
/// The way of interrupt messages between the local APICs of a virtual machine, from its I/O APIC and its devices: who is meant, and who takes them
/// (Intel SDM vol. 3A, 10.6.2 and 10.11).
/// </summary>
/// <remarks>
/// An 8-bit destination (I/O APIC, messages of devices, ICR in xAPIC mode) of FFh is all processors; a 32-bit one (ICR in x2APIC mode) of FFFF_FFFFh. Each
/// local APIC compares destinations by its own mode.
/// </remarks>
public sealed class ApicBus
{
    /// <summary>The 8-bit destination that is all processors, in xAPIC mode.</summary>
    internal const uint NarrowBroadcast = 0xFF;
    /// <summary>The 32-bit destination that is all processors.</summary>
    internal const uint Broadcast = uint.MaxValue;

    private const int ShorthandShift = 18;
    private const uint ShorthandMask = 3, ShorthandSelf = 1, ShorthandAll = 2, ShorthandOthers = 3;
    private const int WideDestinationShift = 32, NarrowDestinationShift = 56;

    private readonly LocalApic[] _processors;
    private ulong _wanted;

    /// <summary>Connects local APICs; the index of each is its processor's number.</summary>
    public ApicBus(LocalApic[] processors)
    {
        _processors = processors;
        for (int i = 0; i < processors.Length; i++)
            processors[i].Connect(this, i);
    }

    /// <summary>The I/O APIC that is told of the end of level-triggered interrupts.</summary>
    internal IoApic? IoApic { get; set; }

    /// <summary>The set of processors that have got something new: bit k is processor k.</summary>
    internal ulong Wanted
    {
        get => _wanted;
        set => _wanted = value;
    }

    /// <summary>All processors, as a set.</summary>
    internal ulong All => ulong.MaxValue >> (PlatformConfiguration.MaxProcessors - _processors.Length);

    /// <summary>An 8-bit destination as the 32-bit one that means the same.</summary>
    internal static uint Widen(uint destination) => destination == NarrowBroadcast ? Broadcast : destination;

    /// <summary>Notes that processor <paramref name="index"/> has got something new.</summary>
    internal void Want(int index) => _wanted |= 1ul << index;

    /// <summary>A message of the I/O APIC or a device, with a destination of 8 bits. False if no local APIC took it.</summary>
    /// <remarks>Start-up messages cannot be sent so. A 32-bit destination would take interrupt remapping.</remarks>
    internal bool Send(DeliveryMode mode, byte vector, bool level, uint destination, bool logical) =>
        mode != DeliveryMode.StartUp && Deliver(mode, vector, level, Widen(destination), logical, excluded: null);

    /// <summary>What <paramref name="sender"/> has in its ICR, whose vector is legal, if it needs one (SDM 10.6.1).</summary>
    /// <remarks>IPIs are edges, whatever their trigger mode bit says, but for INIT: level with deassert means nothing to today's processors.</remarks>
    internal void SendCommand(LocalApic sender, ulong command)
    {
        uint low = (uint)command;
        var mode = (DeliveryMode)((low & ApicRegister.DeliveryModeMask) >> 8);
        if (mode == DeliveryMode.Init && (low & (ApicRegister.CommandAssert | ApicRegister.CommandLevel)) == ApicRegister.CommandLevel)
            return;
        byte vector = (byte)low;
        switch (low >> ShorthandShift & ShorthandMask)
        {
            case ShorthandSelf:
                // SDM table 10-3: self and all are for interrupts only.
                if (mode is not (DeliveryMode.Init or DeliveryMode.StartUp))
                    sender.Receive(mode, vector, level: false);
                break;
            case ShorthandAll:
                if (mode is not (DeliveryMode.Init or DeliveryMode.StartUp))
                    Deliver(mode, vector, level: false, Broadcast, logical: false, excluded: null);
                break;
            case ShorthandOthers:
                Deliver(mode, vector, level: false, Broadcast, logical: false, sender);
                break;
            default:
                uint destination = sender.IsX2Apic ? (uint)(command >> WideDestinationShift) : Widen((uint)(command >> NarrowDestinationShift));
                Deliver(mode, vector, level: false, destination, (low & ApicRegister.CommandLogical) != 0, excluded: null);
                break;
        }
    }

    /// <summary>A processor has ended a level-triggered interrupt.</summary>
    internal void EndOfInterrupt(byte vector) => IoApic?.EndOfInterrupt(vector);

    /// <summary>A processor takes fixed interrupts from now on: level-triggered ones may have waited for that.</summary>
    internal void Enabled() => IoApic?.Service();

    private bool Deliver(DeliveryMode mode, byte vector, bool level, uint destination, bool logical, LocalApic? excluded)
    {
        if (mode == DeliveryMode.LowestPriority)
        {
            LocalApic? lowest = FindLowest(destination, logical, excluded);
            return lowest != null && lowest.Receive(mode, vector, level);
        }
        bool taken = false;
        for (int i = 0; i < _processors.Length; i++)
        {
            LocalApic apic = _processors[i];
            if (apic != excluded && apic.Matches(destination, logical) && apic.Receive(mode, vector, level))
                taken = true;
        }
        return taken;
    }

    /// <summary>SDM 10.6.2.4: of those that are meant and take interrupts the one of lowest priority, and of several the first.</summary>
    private LocalApic? FindLowest(uint destination, bool logical, LocalApic? excluded)
    {
        LocalApic? lowest = null;
        for (int i = 0; i < _processors.Length; i++)
        {
            LocalApic apic = _processors[i];
            if (apic != excluded && apic.TakesFixed && apic.Matches(destination, logical)
                && (lowest == null || apic.ProcessorPriority < lowest.ProcessorPriority))
                lowest = apic;
        }
        return lowest;
    }
}
