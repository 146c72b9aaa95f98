namespace Hv.Drivers.Platform;

/// <content>Messages to this processor and from it; INIT and start-up.</content>
public sealed partial class LocalApic
{
    private ApicBus? _bus;
    private int _index;
    private bool _init;
    private bool _startUp;
    private byte _startUpVector;

    /// <summary>
    /// The processor runs nothing until a start-up message comes (SDM vol. 3A, 8.4.4 and 10.4.7.3): true after INIT, unless it is the bootstrap processor,
    /// until <see cref="TakeStartUp"/>. Meanwhile it hears INIT and start-up messages only. To be set for a processor that is known to be in this state, or
    /// not; registers stay as they are.
    /// </summary>
    public bool WaitsForStartUp { get; set; }

    /// <summary>An INIT message came and has not been taken, or a start-up message.</summary>
    public bool IsStarting => _init || _startUp;

    /// <summary>Whether it takes fixed interrupts now.</summary>
    internal bool TakesFixed => IsEnabled && !WaitsForStartUp;

    /// <summary>Whether this was the processor that started first.</summary>
    private bool IsBootstrap => (_apicBase & ApicRegister.BaseBootstrap) != 0;

    /// <summary>True once after an INIT message: the processor's state is to be that after INIT.</summary>
    public bool TakeInit()
    {
        bool taken = _init;
        _init = false;
        return taken;
    }

    /// <summary>
    /// True once after a start-up message: the processor no longer waits, and starts in real mode at page <paramref name="vector"/>. False while an INIT that
    /// came before it has not been taken.
    /// </summary>
    public bool TakeStartUp(out byte vector)
    {
        vector = _startUpVector;
        if (!_startUp || _init)
            return false;
        _startUp = false;
        WaitsForStartUp = false;
        return true;
    }

    /// <summary>Lets the processor wait for a start-up message, with registers as after INIT. Messages that came before are gone.</summary>
    public void Park()
    {
        ResetRegisters();
        ForgetStarts();
        WaitsForStartUp = true;
    }

    /// <summary>Says where messages go and ends of interrupts are announced, and which processor this is.</summary>
    internal void Connect(ApicBus bus, int index)
    {
        _bus = bus;
        _index = index;
    }

    /// <summary>A message whose destination this is. False if it was not taken.</summary>
    internal bool Receive(DeliveryMode mode, byte vector, bool level)
    {
        switch (mode)
        {
            case DeliveryMode.Init:
                ReceiveInit();
                return true;
            case DeliveryMode.StartUp:
                ReceiveStartUp(vector);
                return true;
            case DeliveryMode.Fixed:
            case DeliveryMode.LowestPriority:
                return Accept(vector, level);
            case DeliveryMode.Nmi:
                if (IsOn)
                    RaiseNmi();
                return IsOn;
            default:
                return IsOn;
        }
    }

    /// <summary>
    /// SDM 10.6.2: whether a message to a destination, of 32 bits or widened, is for this processor. An APIC that is off has its ID only, and the messages
    /// that it takes are INIT and start-up.
    /// </summary>
    internal bool Matches(uint destination, bool logical)
    {
        if (destination == ApicBus.Broadcast)
            return true;
        if (IsX2Apic)
            return !logical ? destination == _id : destination >> 16 == X2LogicalId >> 16 && (destination & X2LogicalId & 0xFFFF) != 0;
        if (destination == ApicBus.NarrowBroadcast)
            return true;
        if (destination > ApicBus.NarrowBroadcast)
            return false;
        if (!logical)
            return destination == (byte)_id;
        if (!IsOn)
            return false;
        if (_destinationFormat == DestinationFormatFlat)
            return (destination & _logicalDestination) != 0;
        return destination >> 4 == _logicalDestination >> 4 && (destination & _logicalDestination & 0xF) != 0;
    }

    /// <summary>SDM 10.12.10.2: cluster and bit follow from the ID.</summary>
    private uint X2LogicalId => (_id >> 4 << 16) | 1u << (int)(_id & 0xF);

    /// <summary>SDM 10.4.7.3: as at power-on, but for ID and IA32_APIC_BASE. The bootstrap processor starts again at the reset vector.</summary>
    private void ReceiveInit()
    {
        ResetRegisters();
        ForgetStarts();
        _init = true;
        WaitsForStartUp = !IsBootstrap;
        Want();
    }

    private void ReceiveStartUp(byte vector)
    {
        if (!WaitsForStartUp || _startUp)
            return;
        _startUp = true;
        _startUpVector = vector;
        Want();
    }

    private void ForgetStarts()
    {
        _init = false;
        _startUp = false;
        _startUpVector = 0;
    }

    private void Want()
    {
        if (_bus != null)
            _bus.Want(_index);
    }

    private void SendCommand(ulong command)
    {
        DeliveryMode mode = ModeOf((uint)command);
        if (mode is (DeliveryMode.Fixed or DeliveryMode.LowestPriority) && (byte)command < FirstVector)
            RaiseError(ErrorSendVector);
        else if (_bus != null)
            _bus.SendCommand(this, command);
    }
}
