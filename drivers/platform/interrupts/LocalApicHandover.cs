using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <content>Capture from and commit to the real local APIC of the processor this runs on.</content>
public sealed partial class LocalApic
{
    private const int MaxEois = 256;
    private const int MaxPolls = 10_000;

    /// <summary>
    /// Reads the state of the real APIC, through <paramref name="msrs"/> in x2APIC mode, else through its <paramref name="page"/> (offset 0 is
    /// the first register). Nothing is changed there. The error status is not read: reading it takes a write. <see cref="WaitsForStartUp"/> cannot be read
    /// there, and stays.
    /// </summary>
    public void Capture(RealMsrs msrs, MmioDevice page)
    {
        ResetRegisters();
        ForgetStarts();
        _apicBase = msrs.Read(ApicRegister.MsrApicBase) & (ApicRegister.BaseAddress | ApicRegister.BaseBootstrap
            | ApicRegister.BaseEnable | ApicRegister.BaseExtended);
        if (!IsOn)
            return;
        // In xAPIC mode the upper bits of a longer ID cannot be seen.
        uint id = ReadReal(msrs, page, ApicRegister.Id);
        if (IsX2Apic)
            _id = id;
        else if ((byte)_id != id >> 24)
            _id = id >> 24;
        // Suppression of EOI broadcasts is not offered.
        _version = ReadReal(msrs, page, ApicRegister.Version) & VersionMask;
        _taskPriority = ReadReal(msrs, page, ApicRegister.TaskPriority) & 0xFF;
        _spurious = ReadReal(msrs, page, ApicRegister.Spurious) & SpuriousWritable;
        if (!IsX2Apic)
        {
            _logicalDestination = ReadReal(msrs, page, ApicRegister.LogicalDestination) >> 24;
            _destinationFormat = ReadReal(msrs, page, ApicRegister.DestinationFormat) >> 28;
            _command = ReadReal(msrs, page, ApicRegister.Command) | (ulong)ReadReal(msrs, page, ApicRegister.CommandHigh) << 32;
        }
        else
        {
            _command = msrs.Read(ApicRegister.MsrX2Apic + ApicRegister.Command);
        }
        _command &= ~(ulong)ApicRegister.CommandPending;
        for (int i = 0; i < VectorSet.WordCount; i++)
        {
            _inService[i] = ReadReal(msrs, page, ApicRegister.InService + i);
            _triggers[i] = ReadReal(msrs, page, ApicRegister.TriggerMode + i);
            _requests[i] = ReadReal(msrs, page, ApicRegister.Request + i);
        }
        for (int register = ApicRegister.LvtCmci; register <= ApicRegister.LvtError; register++)
        {
            int entry = LvtOf(register);
            if (entry >= 0)
                _lvt[entry] = ReadReal(msrs, page, register) & LvtWritable(entry);
        }
        _timer.Restore(ReadReal(msrs, page, ApicRegister.InitialCount), ReadReal(msrs, page, ApicRegister.CurrentCount),
            ReadReal(msrs, page, ApicRegister.DivideConfiguration));
        if (TimerMode == ApicRegister.TimerDeadline)
        {
            _timer.Disarm();
            _timer.Deadline = msrs.Read(ApicRegister.MsrTscDeadline);
        }
    }

    /// <summary>
    /// Writes this state into the real APIC: mode, masks, vectors, the rest of the timer's count, and the pending edge-triggered
    /// interrupts as IPIs to self. Interrupts must be off on this processor, <see cref="IsIdle"/> must hold, and no request of the system before may
    /// be left in the real IRR: software cannot clear it there other than by taking the interrupts.
    /// </summary>
    /// <remarks>
    /// Requests of level-triggered vectors are not raised: the source still asserts its line, and the I/O APIC, committed after this,
    /// sends them again. A periodic timer starts a whole period anew. Of a processor that waits for start-up the real APIC gets the state after INIT, and is
    /// on even if the virtual one is off: its processor must be reached.
    /// </remarks>
    public void Commit(RealMsrs msrs, MmioDevice page)
    {
        if (WaitsForStartUp)
            PrepareParkedCommit(msrs);
        CommitMode(msrs);
        if (!IsOn)
            return;
        for (int i = 0; i < MaxEois && AnyInService(msrs, page); i++)
            WriteReal(msrs, page, ApicRegister.Eoi, 0);

        // Enabled first, or the LVT masks and the IPIs would not work; all sources masked while vectors change.
        WriteReal(msrs, page, ApicRegister.Spurious, _spurious | ApicRegister.SpuriousEnable);
        for (int register = ApicRegister.LvtCmci; register <= ApicRegister.LvtError; register++)
        {
            if (LvtOf(register) >= 0)
                WriteReal(msrs, page, register, _lvt[LvtOf(register)] | ApicRegister.LvtMasked);
        }
        WriteReal(msrs, page, ApicRegister.TaskPriority, _taskPriority);
        if (!IsX2Apic)
        {
            WriteReal(msrs, page, ApicRegister.DestinationFormat, _destinationFormat << 28 | 0x0FFF_FFFF);
            WriteReal(msrs, page, ApicRegister.LogicalDestination, _logicalDestination << 24);
        }
        WriteReal(msrs, page, ApicRegister.ErrorStatus, 0);
        WriteReal(msrs, page, ApicRegister.ErrorStatus, 0);

        for (int vector = FirstVector; vector < 256; vector++)
        {
            if (_requests.Has(vector) && !_triggers.Has(vector))
                SendRealIpi(msrs, page, vector);
        }
        if (!IsX2Apic)
            WriteReal(msrs, page, ApicRegister.CommandHigh, (uint)(_command >> 32));

        CommitTimer(msrs, page);
        for (int register = ApicRegister.LvtCmci; register <= ApicRegister.LvtError; register++)
        {
            if (LvtOf(register) >= 0)
                WriteReal(msrs, page, register, _lvt[LvtOf(register)]);
        }
        if ((_spurious & ApicRegister.SpuriousEnable) == 0)
            WriteReal(msrs, page, ApicRegister.Spurious, _spurious);
    }

    private void PrepareParkedCommit(RealMsrs msrs)
    {
        ResetRegisters();
        if (IsOn)
            return;
        ulong real = msrs.Read(ApicRegister.MsrApicBase);
        if ((real & ApicRegister.BaseEnable) == 0)
            real = _apicBase | ApicRegister.BaseEnable;
        _apicBase = (real & ~ApicRegister.BaseBootstrap) | (_apicBase & ApicRegister.BaseBootstrap);
    }

    private void CommitMode(RealMsrs msrs)
    {
        const ulong modes = ApicRegister.BaseEnable | ApicRegister.BaseExtended;
        ulong real = msrs.Read(ApicRegister.MsrApicBase);
        ulong wanted = (_apicBase & ~ApicRegister.BaseBootstrap) | (real & ApicRegister.BaseBootstrap);
        if (real == wanted)
            return;
        // The only way from x2APIC to xAPIC is through off, and the only way from off to x2APIC through xAPIC (SDM 10.12.5).
        if ((real & modes) == modes && (wanted & modes) == ApicRegister.BaseEnable)
            msrs.Write(ApicRegister.MsrApicBase, wanted & ~modes);
        if ((real & modes) == 0 && (wanted & modes) == modes)
            msrs.Write(ApicRegister.MsrApicBase, wanted & ~ApicRegister.BaseExtended);
        msrs.Write(ApicRegister.MsrApicBase, wanted);
    }

    private void CommitTimer(RealMsrs msrs, MmioDevice page)
    {
        uint mode = TimerMode;
        WriteReal(msrs, page, ApicRegister.DivideConfiguration, _timer.DivideConfiguration);
        if (mode == ApicRegister.TimerDeadline)
        {
            // The mode must be in the LVT before the deadline counts (SDM 10.5.4.1); masked, an expiry in between would be lost.
            WriteReal(msrs, page, ApicRegister.LvtTimer, _lvt[LvtTimer]);
            msrs.Write(ApicRegister.MsrTscDeadline, _timer.Deadline);
        }
        else
        {
            WriteReal(msrs, page, ApicRegister.LvtTimer, _lvt[LvtTimer]);
            bool periodic = mode == ApicRegister.TimerPeriodic;
            uint left = _timer.Current(periodic);
            WriteReal(msrs, page, ApicRegister.InitialCount, periodic && left != 0 ? _timer.Initial : left);
        }
    }

    private void SendRealIpi(RealMsrs msrs, MmioDevice page, int vector)
    {
        if (IsX2Apic)
        {
            msrs.Write(ApicRegister.MsrX2Apic + ApicRegister.SelfIpi, (ulong)vector);
            return;
        }
        WriteReal(msrs, page, ApicRegister.Command, (uint)vector | ApicRegister.CommandToSelf | ApicRegister.CommandAssert);
        for (int i = 0; i < MaxPolls && (ReadReal(msrs, page, ApicRegister.Command) & ApicRegister.CommandPending) != 0; i++)
        {
        }
    }

    private bool AnyInService(RealMsrs msrs, MmioDevice page)
    {
        for (int i = 0; i < VectorSet.WordCount; i++)
        {
            if (ReadReal(msrs, page, ApicRegister.InService + i) != 0)
                return true;
        }
        return false;
    }

    private uint ReadReal(RealMsrs msrs, MmioDevice page, int register) => ReadReal(IsX2Apic, msrs, page, register);

    private static uint ReadReal(bool extended, RealMsrs msrs, MmioDevice page, int register) => extended
        ? (uint)msrs.Read(ApicRegister.MsrX2Apic + (uint)register)
        : (uint)page.ReadMmio((uint)register * RegisterStride, 4);

    private void WriteReal(RealMsrs msrs, MmioDevice page, int register, uint value)
    {
        if (IsX2Apic)
            msrs.Write(ApicRegister.MsrX2Apic + (uint)register, value);
        else
            page.WriteMmio((uint)register * RegisterStride, 4, value);
    }
}
