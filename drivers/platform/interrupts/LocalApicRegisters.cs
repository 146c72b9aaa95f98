using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <content>The registers as the guest sees them: the page, and the MSRs.</content>
public sealed partial class LocalApic
{
    private const uint RegisterStride = 16;
    private const int X2Registers = 0x40;
    private const uint LvtModeMask = 0x107FF;
    private const uint LvtPinMask = 0x1A7FF;
    private const uint LvtErrorMask = 0x100FF;
    private const uint LvtTimerMask = 0x300FF;
    private const uint LvtTimerDeadlineMask = 0x700FF;
    private const uint CommandWritable = 0x000C_CFFF;

    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size)
    {
        if (!AnswersMmio)
            return ulong.MaxValue;
        uint within = (uint)offset & (RegisterStride - 1);
        if (within >= 4 || offset >= Hv.Kernel.PageSize.Small)
            return 0;
        int register = (int)(offset / RegisterStride);
        ulong value = ReadRegister(register, out bool exists) >> (int)(8 * within);
        if (!exists)
            RaiseError(ErrorRegister);
        return size switch
        {
            1 => (byte)value,
            2 => (ushort)value,
            _ => value,
        };
    }

    /// <inheritdoc/>
    /// <remarks>Only aligned accesses of 32 bits (or more, of which 32 count) have a defined effect.</remarks>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        if (!AnswersMmio || size < 4 || (offset & (RegisterStride - 1)) != 0 || offset >= Hv.Kernel.PageSize.Small)
            return;
        int register = (int)(offset / RegisterStride);
        uint low = (uint)value;
        switch (register)
        {
            case ApicRegister.DestinationFormat:
                _destinationFormat = low >> 28;
                break;
            case ApicRegister.LogicalDestination:
                _logicalDestination = low >> 24;
                break;
            case ApicRegister.CommandHigh:
                _command = (_command & uint.MaxValue) | (ulong)(low & 0xFF00_0000) << 32;
                break;
            case ApicRegister.Command:
                _command = (_command & 0xFFFF_FFFF_0000_0000) | (low & CommandWritable);
                SendCommand(_command);
                break;
            default:
                if (!WriteRegister(register, low))
                    RaiseError(ErrorRegister);
                break;
        }
    }

    /// <summary>
    /// RDMSR of IA32_APIC_BASE, IA32_TSC_DEADLINE or the x2APIC range. False: the guest gets #GP(0).
    /// </summary>
    public bool ReadMsr(uint msr, out ulong value)
    {
        value = 0;
        switch (msr)
        {
            case ApicRegister.MsrApicBase:
                value = _apicBase;
                return true;
            case ApicRegister.MsrTscDeadline:
                value = TimerMode == ApicRegister.TimerDeadline ? _timer.Deadline : 0;
                return _hasDeadline;
        }
        uint register = msr - ApicRegister.MsrX2Apic;
        if (!IsX2Apic || register >= X2Registers)
            return false;
        switch ((int)register)
        {
            case ApicRegister.Command:
                value = _command;
                return true;
            case ApicRegister.Eoi:
            case ApicRegister.SelfIpi:
            case ApicRegister.CommandHigh:
            case ApicRegister.DestinationFormat:
            case ApicRegister.ArbitrationPriority:
                return false;
        }
        value = ReadRegister((int)register, out bool exists);
        return exists;
    }

    /// <summary>WRMSR of the same. False: nothing was changed, the guest gets #GP(0).</summary>
    public bool WriteMsr(uint msr, ulong value)
    {
        switch (msr)
        {
            case ApicRegister.MsrApicBase:
                return WriteBase(value);
            case ApicRegister.MsrTscDeadline:
                if (_hasDeadline && TimerMode == ApicRegister.TimerDeadline)
                    _timer.Deadline = value;
                return _hasDeadline;
        }
        uint register = msr - ApicRegister.MsrX2Apic;
        if (!IsX2Apic || register >= X2Registers)
            return false;
        switch ((int)register)
        {
            case ApicRegister.Command:
                if ((value & 0xFFFF_FFFF & ~(ulong)(CommandWritable | ApicRegister.CommandPending)) != 0)
                    return false;
                _command = value & ~(ulong)ApicRegister.CommandPending;
                SendCommand(_command);
                return true;
            case ApicRegister.SelfIpi:
                if (value > 0xFF)
                    return false;
                SendCommand(value | ApicRegister.CommandToSelf | ApicRegister.CommandAssert);
                return true;
            case ApicRegister.Eoi:
            case ApicRegister.ErrorStatus:
                return value == 0 && WriteRegister((int)register, 0);
            case ApicRegister.TaskPriority:
                return value <= 0xFF && WriteRegister((int)register, (uint)value);
            case ApicRegister.Spurious:
                return (value & ~(ulong)SpuriousWritable) == 0 && WriteRegister((int)register, (uint)value);
            case ApicRegister.DivideConfiguration:
                return (value & ~0xBul) == 0 && WriteRegister((int)register, (uint)value);
            case ApicRegister.InitialCount:
                return value <= uint.MaxValue && WriteRegister((int)register, (uint)value);
            case ApicRegister.CurrentCount:
            case ApicRegister.ArbitrationPriority:
            case ApicRegister.Id:
            case ApicRegister.Version:
                return false;
        }
        int entry = LvtOf((int)register);
        if (entry < 0 || (value & ~(ulong)(LvtWritable(entry) | ApicRegister.CommandPending | 1u << 14)) != 0)
            return false;
        return WriteRegister((int)register, (uint)value);
    }

    private ulong ReadRegister(int register, out bool exists)
    {
        exists = true;
        if (register >= ApicRegister.InService && register < ApicRegister.InService + VectorSet.WordCount)
            return _inService[register - ApicRegister.InService];
        if (register >= ApicRegister.TriggerMode && register < ApicRegister.TriggerMode + VectorSet.WordCount)
            return _triggers[register - ApicRegister.TriggerMode];
        if (register >= ApicRegister.Request && register < ApicRegister.Request + VectorSet.WordCount)
            return _requests[register - ApicRegister.Request];
        int entry = LvtOf(register);
        if (entry >= 0)
            return _lvt[entry];
        switch (register)
        {
            case ApicRegister.Id:
                return IsX2Apic ? _id : _id << 24;
            case ApicRegister.Version:
                return _version;
            case ApicRegister.TaskPriority:
                return _taskPriority;
            case ApicRegister.ArbitrationPriority:
            case ApicRegister.ProcessorPriority:
                return ProcessorPriority;
            case ApicRegister.LogicalDestination:
                return IsX2Apic ? X2LogicalId : _logicalDestination << 24;
            case ApicRegister.DestinationFormat:
                return _destinationFormat << 28 | 0x0FFF_FFFF;
            case ApicRegister.Spurious:
                return _spurious;
            case ApicRegister.ErrorStatus:
                return _errorStatus;
            case ApicRegister.Command:
                return (uint)_command;
            case ApicRegister.CommandHigh:
                return (uint)(_command >> 32);
            case ApicRegister.InitialCount:
                return TimerMode == ApicRegister.TimerDeadline ? 0 : _timer.Initial;
            case ApicRegister.CurrentCount:
                return TimerMode == ApicRegister.TimerDeadline ? 0 : _timer.Current(TimerMode == ApicRegister.TimerPeriodic);
            case ApicRegister.DivideConfiguration:
                return _timer.DivideConfiguration;
            case ApicRegister.Eoi:
                return 0;
            default:
                exists = false;
                return 0;
        }
    }

    /// <summary>The registers that both modes write alike. False if there is none that can be written.</summary>
    private bool WriteRegister(int register, uint value)
    {
        switch (register)
        {
            case ApicRegister.TaskPriority:
                _taskPriority = value & 0xFF;
                return true;
            case ApicRegister.Eoi:
                EndOfInterrupt();
                return true;
            case ApicRegister.Spurious:
                WriteSpurious(value & SpuriousWritable);
                return true;
            case ApicRegister.ErrorStatus:
                _errorStatus = _newErrors;
                _newErrors = 0;
                return true;
            case ApicRegister.InitialCount:
                if (TimerMode != ApicRegister.TimerDeadline)
                    _timer.Initial = value;
                return true;
            case ApicRegister.DivideConfiguration:
                _timer.DivideConfiguration = value;
                return true;
            case ApicRegister.Id:
            case ApicRegister.Version:
            case ApicRegister.CurrentCount:
                return true;
        }
        int entry = LvtOf(register);
        if (entry < 0)
            return false;
        WriteLvt(entry, value & LvtWritable(entry));
        return true;
    }

    private void WriteSpurious(uint value)
    {
        _spurious = value;
        if ((value & ApicRegister.SpuriousEnable) == 0)
        {
            for (int i = 0; i < LvtCount; i++)
                _lvt[i] |= ApicRegister.LvtMasked;
        }
        else if (_bus != null)
        {
            _bus.Enabled();
        }
    }

    private void WriteLvt(int entry, uint value)
    {
        // SDM 10.4.7.2: while disabled by software the mask bits cannot be cleared.
        if ((_spurious & ApicRegister.SpuriousEnable) == 0)
            value |= ApicRegister.LvtMasked;
        if (entry == LvtTimer)
        {
            uint before = TimerMode;
            uint after = value & ApicRegister.TimerModeMask;
            if (before != after && (before == ApicRegister.TimerDeadline || after == ApicRegister.TimerDeadline))
                _timer.Disarm();
        }
        _lvt[entry] = value;
    }

    private bool WriteBase(ulong value)
    {
        const ulong modes = ApicRegister.BaseEnable | ApicRegister.BaseExtended;
        ulong allowed = ApicRegister.BaseBootstrap | ApicRegister.BaseEnable | ApicRegister.BaseAddress;
        if (_hasX2Apic)
            allowed |= ApicRegister.BaseExtended;
        ulong before = _apicBase & modes, after = value & modes;
        // SDM 10.12.5: from off to x2APIC, from x2APIC to xAPIC, and "extended but off" are illegal.
        if ((value & ~allowed) != 0 || after == ApicRegister.BaseExtended || (before == 0 && after == modes)
            || (before == modes && after == ApicRegister.BaseEnable))
            return false;
        _apicBase = (value & ~ApicRegister.BaseBootstrap) | (_apicBase & ApicRegister.BaseBootstrap);
        if (after == 0 && before != 0)
            ResetRegisters();
        else if (after == modes && before != modes)
            EnterX2Apic();
        return true;
    }

    /// <summary>SDM 10.12.5.1: everything stays, but the logical destination now follows from the ID, and ICR is one register.</summary>
    private void EnterX2Apic()
    {
        _logicalDestination = 0;
        _destinationFormat = DestinationFormatFlat;
        _command = 0;
    }

    /// <summary>The index of the LVT entry at a register number, or -1. The version says how many of them there are.</summary>
    private int LvtOf(int register)
    {
        uint last = _version >> 16 & 0xFF;
        switch (register)
        {
            case ApicRegister.LvtCmci: return last >= 6 ? LvtCmci : -1;
            case ApicRegister.LvtTimer: return LvtTimer;
            case ApicRegister.LvtThermal: return last >= 5 ? LvtThermal : -1;
            case ApicRegister.LvtPerformance: return last >= 4 ? LvtPerformance : -1;
            case ApicRegister.LvtLint0: return LvtLint0;
            case ApicRegister.LvtLint1: return LvtLint1;
            case ApicRegister.LvtError: return LvtError;
            default: return -1;
        }
    }

    private uint LvtWritable(int entry) => entry switch
    {
        LvtTimer => _hasDeadline ? LvtTimerDeadlineMask : LvtTimerMask,
        LvtLint0 or LvtLint1 => LvtPinMask,
        LvtError => LvtErrorMask,
        _ => LvtModeMask,
    };
}
