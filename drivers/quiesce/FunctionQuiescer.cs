using Hv.Drivers.Iommu;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Quiesce;

/// <summary>Brings one passed-through PCI function to a state in which it does no DMA and raises no interrupt, step by step.</summary>
/// <remarks>
/// The order: power state D0; stop by the device's own registers where they are known; bus mastering, INTx, MSI and MSI-X off;
/// wait for pending transactions; reset; configuration space back to what it was at boot. No step waits: the waits of several functions overlap.
/// </remarks>
public sealed class FunctionQuiescer
{
    private const ulong Millisecond = 1_000_000;
    /// <summary>How long pending transactions are waited for.</summary>
    public const ulong PendingLimit = 100 * Millisecond;
    /// <summary>From the start of a function level reset, or the end of a bus reset, to the first access (PCIe 6.6.1, 6.6.2).</summary>
    public const ulong ResetWait = 100 * Millisecond;
    /// <summary>How long a function may answer with a retry after a reset (PCIe 6.6.1).</summary>
    public const ulong ReadyLimit = 1000 * Millisecond;
    /// <summary>From D3hot to the first access (PCI PM 5.6.1).</summary>
    public const ulong PowerWait = 10 * Millisecond;
    /// <summary>How long reset is asserted on a secondary bus (PCI 3.0, 4.3.2).</summary>
    public const ulong BusResetWidth = 2 * Millisecond;

    private enum Phase : byte
    {
        Waking,
        Stopping,
        Draining,
        Choosing,
        PowerDown,
        BusReset,
        ResetWaiting,
        ReadyWaiting,
        Finished,
    }

    private readonly PciHost _host;
    private readonly TimeSource _time;
    private readonly PciFunctionInfo _function;
    private readonly PciConfigSnapshot _boot;
    private readonly PciHost? _extendedHost;
    private readonly PciExtendedSnapshot? _extended;
    private readonly DeviceStop? _stop;
    private readonly ResetMethod _offered;
    private readonly bool _isAloneOnBus;

    private Phase _phase = Phase.Finished;
    private ResetMethod _method;
    private Deadline _deadline;
    private ulong _begin;
    private bool _isBlocked;

    /// <summary>
    /// For <paramref name="function"/>, whose configuration space at boot is <paramref name="boot"/>; offsets in
    /// <paramref name="memory"/> are host-physical addresses. <paramref name="isAloneOnBus"/> allows the reset of the bus. <paramref name="extendedHost"/>, if there is one, reaches the
    /// extended space of the function. Allocates: at boot only.
    /// </summary>
    public FunctionQuiescer(
        PciHost host, PciHost? extendedHost, MmioDevice memory, PortDevice ports, TimeSource time, PciFunctionInfo function, PciConfigSnapshot boot, bool isAloneOnBus)
    {
        _host = host;
        if (extendedHost != null && function.PciExpress != 0)
        {
            _extendedHost = extendedHost;
            _extended = new PciExtendedSnapshot();
            _extended.Save(extendedHost, function.Address);
        }
        _time = time;
        _function = function;
        _boot = boot;
        StopPlan? plan = StopPlan.For(host, function);
        _stop = plan is null ? null : new DeviceStop(plan, memory, ports, time);
        _isAloneOnBus = isAloneOnBus;
        _offered = Offered(isAloneOnBus);
    }

    /// <summary>The function.</summary>
    public PciFunctionInfo Function => _function;

    /// <summary>The resets that the function offers.</summary>
    public ResetMethod OfferedResets => _offered;

    /// <summary>Whether the function is there, with its registers where they were at boot.</summary>
    public bool IsInPlace => _host.Read32(Address, PciRegister.VendorId) == _boot.Read(PciRegister.VendorId, 4) && _boot.HasSameBars(_host, Address);

    /// <summary>What was done; complete when <see cref="Step"/> has returned true.</summary>
    public QuiesceReport Report { get; } = new();

    /// <summary>Begins. The OS that used the function does not run any more.</summary>
    public void Begin()
    {
        Report.Begin(_function);
        _begin = _time.Nanoseconds;
        _method = ResetMethod.None;
        if (_host.Read32(_function.Address, PciRegister.VendorId) != _boot.Read(PciRegister.VendorId, 4))
        {
            Finish(Status.NotFound);
            return;
        }
        Report.MovedBars = _boot.MovedBars(_host, Address);
        _phase = Phase.Waking;
        _deadline = new Deadline(_time, Wake() ? PowerWait : 0);
    }

    /// <summary>Goes on as far as possible without waiting. True: finished, see <see cref="Report"/>. Call it again and again.</summary>
    public bool Step()
    {
        switch (_phase)
        {
            case Phase.Waking:
                if (_deadline.HasPassed)
                    BeginStop();
                break;
            case Phase.Stopping:
                StepStop();
                break;
            case Phase.Draining:
                StepDrain();
                break;
            case Phase.Choosing:
                BeginReset();
                break;
            case Phase.PowerDown:
                if (_deadline.HasPassed)
                {
                    WritePowerState(0);
                    WaitFor(PowerWait);
                }
                break;
            case Phase.BusReset:
                if (_deadline.HasPassed)
                {
                    SetBusReset(false);
                    WaitFor(ResetWait);
                }
                break;
            case Phase.ResetWaiting:
                if (_deadline.HasPassed)
                {
                    _phase = Phase.ReadyWaiting;
                    _deadline = new Deadline(_time, ReadyLimit);
                }
                break;
            case Phase.ReadyWaiting:
                StepReady();
                break;
        }
        return _phase == Phase.Finished;
    }

    /// <summary>
    /// When all functions have come to rest: one that has not, has not come back from its reset, or has become a bus master again meanwhile, is cut off, best
    /// by <paramref name="remapping"/>, for good: until the next switch finds it quiet.
    /// </summary>
    public void LookAgain(DmaRemapping? remapping, PciFunctionTable table)
    {
        if (Report.Status != Status.Timeout && IsBusMaster && !Report.WasIsolated)
        {
            _host.ChangeCommand(Address, 0, PciRegister.CommandBusMaster);
            Report.Status = Status.Timeout;
        }
        bool block = Report.Status == Status.Timeout || (Report.Status == Status.NotFound && Report.Tried != ResetMethod.None);
        if (remapping != null && (block || _isBlocked))
        {
            bool done = remapping.Set(_host, table, _function, block ? DmaAccess.Nothing : DmaAccess.Guests) == Status.Ok;
            _isBlocked = done ? block : _isBlocked;
            Report.WasIsolated |= block && done;
            Report.IsBlocked = _isBlocked;
            block &= !done;
        }
        if (block && !Report.WasIsolated && IsBusMaster)
            _ = Isolate();
    }

    private bool IsBusMaster
    {
        get
        {
            ushort command = _host.Read16(Address, PciRegister.Command);
            return command != PciConfig.NoVendor && (command & PciRegister.CommandBusMaster) != 0;
        }
    }

    /// <summary>Gives the function, which is quiet, its command register of the boot; a function that was not reset does not become a bus master by that.</summary>
    public void RestoreCommand()
    {
        uint command = _boot.Read(PciRegister.Command, 2);
        if (Report.Worked == ResetMethod.None)
            command &= ~(uint)PciRegister.CommandBusMaster;
        _host.Write16(Address, PciRegister.Command, (ushort)command);
    }

    private PciAddress Address => _function.Address;

    private ResetMethod Offered(bool isAloneOnBus)
    {
        ResetMethod offered = _stop is null || !_stop.Plan.Resets ? ResetMethod.None : ResetMethod.Device;
        if (_function.HasFlr)
            offered |= ResetMethod.FunctionLevel;
        if (_function.HasAfFlr)
            offered |= ResetMethod.AdvancedFeatures;
        if (_function.PowerManagement != 0 &&
            (_boot.Read(_function.PowerManagement + PciCapability.PmControl, 2) & PciCapability.PmNoSoftReset) == 0)
        {
            offered |= ResetMethod.PowerState;
        }
        if (isAloneOnBus && _function.HasParent)
            offered |= ResetMethod.SecondaryBus;
        return offered;
    }

    /// <summary>Brings the function to D0; true if it was not there, and needs time.</summary>
    private bool Wake()
    {
        if (_function.PowerManagement == 0)
            return false;
        ushort control = _host.Read16(Address, _function.PowerManagement + PciCapability.PmControl);
        if ((control & PciCapability.PmStateMask) == 0)
            return false;
        WritePowerState(0);
        return true;
    }

    private void WritePowerState(ushort state)
    {
        int offset = _function.PowerManagement + PciCapability.PmControl;
        uint control = _host.Read16(Address, offset);
        control &= ~(uint)(PciCapability.PmStateMask | PciCapability.PmEventStatus);
        _host.Write16(Address, offset, (ushort)(control | state));
    }

    private void BeginStop()
    {
        if (_stop is null)
        {
            BeginDrain();
            return;
        }
        // The OS chose what the BARs hold now, and it may be anything, Hv's own memory too: only the boot's addresses are trusted.
        if (!_boot.HasSameBars(_host, Address))
        {
            _host.ChangeCommand(Address, 0, PciRegister.CommandBusMaster);
            _boot.RestoreBars(_host, Address);
        }
        PciBaseAddress bar = PciBaseAddressReader.Read(_host, Address, _stop.Plan.BarIndex);
        bool isPorts = bar.Kind == PciBaseAddressKind.Io;
        if (!isPorts && !bar.IsMemory || bar.Address == 0)
        {
            BeginDrain();
            return;
        }
        _host.ChangeCommand(Address, isPorts ? PciRegister.CommandIo : PciRegister.CommandMemory, 0);
        Report.Tried |= _offered & ResetMethod.Device;
        _stop.Begin(isPorts, bar.Address);
        _phase = Phase.Stopping;
    }

    private void StepStop()
    {
        Status status = _stop!.Step();
        if (status == Status.Pending)
            return;
        if (status == Status.Ok)
            Report.Worked = _offered & ResetMethod.Device;
        BeginDrain();
    }

    private void BeginDrain()
    {
        // Each has a bus master bit of its own, and an OS without their driver does not know of them.
        Report.HadVirtualFunctions = _extended != null && _extended.StopVirtualFunctions(_extendedHost!, Address);
        _host.ChangeCommand(Address, PciRegister.CommandIntxDisable, PciRegister.CommandBusMaster);
        if (_function.Msi != 0)
            _host.ChangeWord(Address, _function.Msi + PciCapability.MsiControl, 0, PciCapability.MsiEnable);
        if (_function.MsiX != 0)
        {
            // Masked first: no vector fires, not even by INTx, between the two writes.
            _host.ChangeWord(Address, _function.MsiX + PciCapability.MsiXControl, PciCapability.MsiXFunctionMask, 0);
            _host.ChangeWord(Address, _function.MsiX + PciCapability.MsiXControl, 0, PciCapability.MsiXEnable);
        }
        _phase = Phase.Draining;
        _deadline = new Deadline(_time, PendingLimit);
    }

    private void StepDrain()
    {
        if (IsPending())
        {
            if (!_deadline.HasPassed)
                return;
            Report.WasStillPending = true;
        }
        _phase = Phase.Choosing;
    }

    private bool IsPending()
    {
        if (_function.PciExpress != 0)
        {
            ushort status = _host.Read16(Address, _function.PciExpress + PciCapability.ExpressDeviceStatus);
            return (status & PciCapability.ExpressTransactionsPending) != 0;
        }
        return _function.HasAfFlr &&
            (_host.Read8(Address, _function.AdvancedFeatures + PciCapability.AfStatus) & PciCapability.AfTransactionsPending) != 0;
    }

    private void BeginReset()
    {
        _method = NextMethod();
        Report.Tried |= _method;
        switch (_method)
        {
            case ResetMethod.FunctionLevel:
                // Read before the reset: afterwards nothing may be read until the function is ready.
                bool isReadyAtOnce = (_host.Read16(Address, PciRegister.Status) & PciConfig.StatusImmediateReadiness) != 0;
                _host.ChangeWord(Address, _function.PciExpress + PciCapability.ExpressDeviceControl, PciCapability.ExpressInitiateFlr, 0);
                WaitFor(isReadyAtOnce ? 0 : ResetWait);
                break;
            case ResetMethod.AdvancedFeatures:
                _host.Write8(Address, _function.AdvancedFeatures + PciCapability.AfControl, PciCapability.AfInitiateFlr);
                WaitFor(ResetWait);
                break;
            case ResetMethod.PowerState:
                WritePowerState(PciCapability.PmD3Hot);
                _phase = Phase.PowerDown;
                _deadline = new Deadline(_time, PowerWait);
                break;
            case ResetMethod.SecondaryBus:
                SetBusReset(true);
                _phase = Phase.BusReset;
                _deadline = new Deadline(_time, BusResetWidth);
                break;
            default:
                EndWithoutReset();
                break;
        }
    }

    /// <summary>The best generic reset that has not been tried; none if a worse one is not needed.</summary>
    private ResetMethod NextMethod()
    {
        for (int bit = 0; bit < (int)ResetMethod.Device; bit = bit == 0 ? 1 : bit << 1)
        {
            ResetMethod method = (ResetMethod)bit & _offered & ~Report.Tried;
            // A device that its own reset has silenced is spared the reset of its bus, which also takes the link down.
            if (method == ResetMethod.SecondaryBus && Report.Worked == ResetMethod.Device)
                continue;
            if (method != ResetMethod.None)
                return method;
        }
        return ResetMethod.None;
    }

    private void WaitFor(ulong nanoseconds)
    {
        _phase = Phase.ResetWaiting;
        _deadline = new Deadline(_time, nanoseconds);
    }

    private void StepReady()
    {
        ushort vendor = _host.Read16(Address, PciRegister.VendorId);
        if (vendor != PciConfig.NoVendor && vendor != PciConfig.RetryVendor)
        {
            Report.Worked = _method;
            Finish(Restore());
        }
        else if (_deadline.HasPassed)
        {
            _phase = Phase.Choosing;
        }
    }

    private void EndWithoutReset()
    {
        Status restored = Restore();
        if (restored != Status.Ok || Report.Worked != ResetMethod.None)
            Finish(restored);
        else
            Finish(Report.Tried == ResetMethod.None ? Status.Unsupported : Status.Timeout);
    }

    private Status Restore()
    {
        if (_extended != null && _host.Read32(Address, PciRegister.VendorId) == _boot.Read(PciRegister.VendorId, 4))
        {
            _host.ChangeCommand(Address, 0, PciRegister.CommandIo | PciRegister.CommandMemory);
            _extended.Restore(_extendedHost!, Address);
        }
        return _boot.Restore(_host, _function, quiet: true) == Status.Ok ? Status.Ok : Status.NotFound;
    }

    private void SetBusReset(bool asserted)
    {
        uint control = _host.Read16(_function.Parent, PciRegister.BridgeControl);
        control = asserted ? control | PciConfig.BridgeControlSecondaryReset : control & ~(uint)PciConfig.BridgeControlSecondaryReset;
        _host.Write16(_function.Parent, PciRegister.BridgeControl, (ushort)control);
    }

    /// <summary>
    /// The last resort for a function that goes on being a bus master: no request of it passes the bridge above. Not where others are behind
    /// the same bridge. False if nothing could be done.
    /// </summary>
    private bool Isolate()
    {
        if (!IsBusMaster)
            return true;
        if (!_isAloneOnBus || !_function.HasParent)
            return false;
        _host.ChangeCommand(_function.Parent, 0, PciRegister.CommandBusMaster);
        Report.WasIsolated = true;
        return true;
    }

    private void Finish(Status status)
    {
        if (!Isolate())
            status = Status.Timeout;
        Report.Status = status;
        Report.Nanoseconds = _time.Nanoseconds - _begin;
        _phase = Phase.Finished;
    }
}
