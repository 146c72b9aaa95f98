using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>
/// One processor's virtual local APIC (Intel SDM vol. 3A, chapter 10), in xAPIC mode as the registers of a page and in x2APIC mode as MSRs.
/// </summary>
/// <remarks>
/// Any processor may use it, one at a time. Messages go out and come in by an <see cref="ApicBus"/>; the SMI mode is ignored: a VM has no SMM.
/// Allocates in its constructor only.
/// </remarks>
public sealed partial class LocalApic : MmioDevice
{
    private const int FirstVector = 16;
    private const int LvtCount = 7;
    private const int LvtCmci = 0, LvtTimer = 1, LvtThermal = 2, LvtPerformance = 3, LvtLint0 = 4, LvtLint1 = 5, LvtError = 6;
    private const uint DefaultVersion = 0x0005_0014;
    private const uint VersionMask = 0x00FF_00FF;
    private const uint ErrorSendVector = 1u << 5, ErrorReceiveVector = 1u << 6, ErrorRegister = 1u << 7;
    private const uint DestinationFormatFlat = 0xF;
    private const ulong DefaultBase = 0xFEE0_0000;
    private const uint SpuriousWritable = 0x3FF;

    private readonly bool _isFirst;
    private readonly bool _hasX2Apic;
    private readonly bool _hasDeadline;
    private readonly VirtualClock _clock;
    private readonly ApicTimer _timer;
    private readonly VectorSet _requests = new();
    private readonly VectorSet _inService = new();
    private readonly VectorSet _triggers = new();
    private readonly uint[] _lvt = new uint[LvtCount];
    private ulong _apicBase;
    private uint _id;
    private uint _version;
    private uint _taskPriority;
    private uint _logicalDestination;
    private uint _destinationFormat;
    private uint _spurious;
    private uint _errorStatus;
    private uint _newErrors;
    private ulong _command;
    private bool _nmi;

    /// <summary>
    /// Makes the APIC of the bootstrap processor, or another, in its power-on state. <paramref name="busHertz"/> is what the timer counts before it
    /// is divided. The flags say what CPUID tells the guest: x2APIC, and TSC deadline mode.
    /// </summary>
    public LocalApic(VirtualClock clock, uint id, ulong busHertz, ulong tscHertz, bool hasX2Apic, bool hasDeadline, bool isBootstrap = true)
    {
        _clock = clock;
        _id = id;
        _isFirst = isBootstrap;
        _hasX2Apic = hasX2Apic;
        _hasDeadline = hasDeadline;
        _timer = new ApicTimer(clock, busHertz, tscHertz);
        Reset();
    }

    /// <summary>What the guest's TSC is at time 0 of the clock (TSC deadline mode compares with it).</summary>
    public ulong TscBase
    {
        get => _timer.TscBase;
        set => _timer.TscBase = value;
    }

    /// <summary>IA32_APIC_BASE.</summary>
    public ulong Base => _apicBase;

    /// <summary>Guest-physical address of the register page; it answers only while <see cref="AnswersMmio"/>.</summary>
    public ulong PageAddress => _apicBase & ApicRegister.BaseAddress;

    /// <summary>Whether the APIC is on and in xAPIC mode.</summary>
    public bool AnswersMmio => (_apicBase & (ApicRegister.BaseEnable | ApicRegister.BaseExtended)) == ApicRegister.BaseEnable;

    /// <summary>Whether the APIC is on and in x2APIC mode.</summary>
    public bool IsX2Apic => (_apicBase & (ApicRegister.BaseEnable | ApicRegister.BaseExtended)) == (ApicRegister.BaseEnable | ApicRegister.BaseExtended);

    /// <summary>Whether IA32_APIC_BASE has it on.</summary>
    public bool IsOn => (_apicBase & ApicRegister.BaseEnable) != 0;

    /// <summary>Whether it is on and enabled by software in SVR: it takes fixed interrupts.</summary>
    public bool IsEnabled => IsOn && (_spurious & ApicRegister.SpuriousEnable) != 0;

    /// <summary>A non-maskable interrupt came and has not been taken.</summary>
    public bool NmiPending => _nmi;

    /// <summary>No interrupt is in service, and no INIT or start-up waits to be taken: the state can be committed to a real APIC without loss.</summary>
    public bool IsIdle => _inService.Highest == VectorSet.None && !IsStarting;

    /// <summary>Whether the 8259's INTR reaches the processor through LINT0, or directly because the APIC of the bootstrap processor is off.</summary>
    internal bool PassesExtInt => !IsOn ? IsBootstrap
        : (_lvt[LvtLint0] & ApicRegister.LvtMasked) == 0 && ModeOf(_lvt[LvtLint0]) == DeliveryMode.ExtInt;

    /// <summary>The task priority class, CR8 (SDM 10.8.6.1); the low half of TPR becomes 0.</summary>
    public byte Cr8
    {
        get => (byte)(_taskPriority >> 4);
        set => _taskPriority = (uint)(value & 0xF) << 4;
    }

    /// <summary>The vector that the processor would take now, if it takes interrupts; false if none is above the processor priority.</summary>
    public bool TryGetVector(out byte vector)
    {
        int highest = IsOn && !WaitsForStartUp ? _requests.Highest : VectorSet.None;
        vector = (byte)highest;
        return highest != VectorSet.None && (uint)highest >> 4 > ProcessorPriority >> 4;
    }

    /// <summary>The processor takes <paramref name="vector"/>, which <see cref="TryGetVector"/> gave: from requested to in service.</summary>
    internal void Take(byte vector)
    {
        _requests.Remove(vector);
        _inService.Add(vector);
    }

    /// <summary>The spurious vector.</summary>
    internal byte SpuriousVector => (byte)_spurious;

    /// <summary>The processor has taken the NMI.</summary>
    public void AcknowledgeNmi() => _nmi = false;

    /// <summary>Makes an NMI pending. One that waits for start-up does not hear it.</summary>
    public void RaiseNmi()
    {
        if (WaitsForStartUp || _nmi)
            return;
        _nmi = true;
        Want();
    }

    /// <summary>
    /// A fixed interrupt arrives. False if the APIC does not take any now; an illegal vector is an error of the sender, and taken.
    /// </summary>
    internal bool Accept(int vector, bool level)
    {
        if (!TakesFixed)
            return false;
        if (vector < FirstVector)
        {
            RaiseError(ErrorReceiveVector);
            return true;
        }
        if (!_requests.Has(vector))
            Want();
        _requests.Add(vector);
        if (level)
            _triggers.Add(vector);
        else
            _triggers.Remove(vector);
        return true;
    }

    /// <summary>The 8259's INTR, on its way through LINT0 in a mode other than ExtINT, goes up.</summary>
    internal void RaiseLint0() => DeliverLocal(LvtLint0);

    /// <summary>When the timer expires next, ns.</summary>
    public ulong NextEvent => _timer.NextEvent(TimerMode);

    /// <summary>Runs the timer up to the clock's time.</summary>
    public void Advance()
    {
        if (_timer.TakeExpiry(TimerMode))
            DeliverLocal(LvtTimer);
    }

    /// <summary>Power-on state (SDM 10.4.7.1): on, xAPIC mode, disabled by software, all sources masked. A pending NMI is gone, and no start-up waited for.</summary>
    public void Reset()
    {
        _apicBase = DefaultBase | ApicRegister.BaseEnable | (_isFirst ? ApicRegister.BaseBootstrap : 0);
        _version = DefaultVersion;
        ResetRegisters();
        ForgetStarts();
        WaitsForStartUp = false;
    }

    /// <summary>Takes over the state of <paramref name="other"/>.</summary>
    public void CopyFrom(LocalApic other)
    {
        _timer.CopyFrom(other._timer);
        _requests.CopyFrom(other._requests);
        _inService.CopyFrom(other._inService);
        _triggers.CopyFrom(other._triggers);
        for (int i = 0; i < LvtCount; i++)
            _lvt[i] = other._lvt[i];
        _apicBase = other._apicBase;
        _id = other._id;
        _version = other._version;
        _taskPriority = other._taskPriority;
        _logicalDestination = other._logicalDestination;
        _destinationFormat = other._destinationFormat;
        _spurious = other._spurious;
        _errorStatus = other._errorStatus;
        _newErrors = other._newErrors;
        _command = other._command;
        _nmi = other._nmi;
        _init = other._init;
        _startUp = other._startUp;
        _startUpVector = other._startUpVector;
        WaitsForStartUp = other.WaitsForStartUp;
    }

    private uint TimerMode => _lvt[LvtTimer] & ApicRegister.TimerModeMask;

    /// <summary>The processor priority register (SDM 10.8.3.1).</summary>
    internal uint ProcessorPriority
    {
        get
        {
            int highest = _inService.Highest;
            uint served = highest == VectorSet.None ? 0 : (uint)highest & 0xF0;
            return _taskPriority >> 4 >= served >> 4 ? _taskPriority : served;
        }
    }

    private static DeliveryMode ModeOf(uint value) => (DeliveryMode)((value & ApicRegister.DeliveryModeMask) >> 8);

    private void ResetRegisters()
    {
        _timer.Reset();
        _requests.Clear();
        _inService.Clear();
        _triggers.Clear();
        for (int i = 0; i < LvtCount; i++)
            _lvt[i] = ApicRegister.LvtMasked;
        _taskPriority = 0;
        _logicalDestination = 0;
        _destinationFormat = DestinationFormatFlat;
        _spurious = 0xFF;
        _errorStatus = 0;
        _newErrors = 0;
        _command = 0;
        _nmi = false;
    }

    private void DeliverLocal(int entry)
    {
        uint value = _lvt[entry];
        if ((value & ApicRegister.LvtMasked) != 0)
            return;
        DeliveryMode mode = entry is LvtTimer or LvtError ? DeliveryMode.Fixed : ModeOf(value);
        if (mode == DeliveryMode.Fixed)
            Accept((byte)value, level: false);
        else if (mode == DeliveryMode.Nmi)
            RaiseNmi();
    }

    private void RaiseError(uint error)
    {
        bool first = (_newErrors & error) == 0;
        _newErrors |= error;
        // An error interrupt whose own vector is illegal raises one more error, once.
        if (first)
            DeliverLocal(LvtError);
    }

    private void EndOfInterrupt()
    {
        int vector = _inService.Highest;
        if (vector == VectorSet.None)
            return;
        _inService.Remove(vector);
        if (_triggers.Has(vector) && _bus != null)
            _bus.EndOfInterrupt((byte)vector);
    }
}
