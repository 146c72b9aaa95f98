using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Quiesce;

/// <summary>
/// Stops a device by its own registers, in the way that its class of devices has in common: stop the DMA engine with one control
/// register, wait until a status register agrees, set a reset bit, wait until it clears itself.
/// </summary>
/// <remarks>Each step returns at once, so that the waits of several devices overlap.</remarks>
public sealed class DeviceStop
{
    private const ulong Millisecond = 1_000_000;

    // Intel 8254x family software developer's manual, 13.4; 82574 datasheet, 10.2.
    private const uint E1000Control = 0x0000;
    private const uint E1000Status = 0x0008;
    private const uint E1000InterruptCause = 0x00C0;
    private const uint E1000InterruptMaskClear = 0x00D8;
    private const uint E1000ReceiveControl = 0x0100;
    private const uint E1000TransmitControl = 0x0400;
    private const uint E1000MasterDisable = 1u << 2;
    private const uint E1000MasterEnabled = 1u << 19;
    private const uint E1000Reset = 1u << 26;

    // xHCI 1.2, 5.4; EHCI 1.0, 2.3: both have these at the offset that the first byte of the registers gives.
    private const uint UsbStatus = 4;
    private const uint UsbRun = 1u << 0;
    private const uint UsbReset = 1u << 1;
    private const uint XhciHalted = 1u << 0;
    private const uint EhciHalted = 1u << 12;

    // NVM Express 1.4, 3.1.
    private const uint NvmeTimeoutByte = 0x03;
    private const uint NvmeConfiguration = 0x14;
    private const uint NvmeStatus = 0x1C;
    private const uint NvmeEnable = 1u << 0;
    private const uint NvmeReady = 1u << 0;

    // Serial ATA AHCI 1.3.1, 3.1.2.
    private const uint AhciControl = 0x04;
    private const uint AhciReset = 1u << 0;

    private enum Kind : byte
    {
        E1000,
        Usb,
        Nvme,
        Ahci,
    }

    private enum Phase : byte
    {
        Halting,
        Resetting,
        Settling,
        Finished,
    }

    private readonly MmioDevice _memory;
    private readonly TimeSource _time;
    private readonly Kind _kind;
    private readonly int _barIndex;
    private readonly bool _isExpress;

    private ulong _base;
    private uint _control;
    private uint _clear;
    private uint _set;
    private uint _status;
    private uint _statusMask;
    private uint _statusWanted;
    private uint _reset;
    private ulong _settle;
    private Phase _phase;
    private Deadline _deadline;

    private DeviceStop(MmioDevice memory, TimeSource time, Kind kind, int barIndex, bool isExpress)
    {
        _memory = memory;
        _time = time;
        _kind = kind;
        _barIndex = barIndex;
        _isExpress = isExpress;
    }

    /// <summary>
    /// The way to stop <paramref name="function"/>, or null if none is known. Offsets in <paramref name="memory"/> are host-physical
    /// addresses. Allocates: at boot only.
    /// </summary>
    public static DeviceStop? For(PciFunctionInfo function, MmioDevice memory, TimeSource time)
    {
        bool express = function.PciExpress != 0;
        switch (function.Class)
        {
            // Later Intel adapters have other registers, and function level reset.
            case 0x020000 when function.Vendor == 0x8086 && !function.HasFlr:
                return new DeviceStop(memory, time, Kind.E1000, 0, express);
            case 0x0C0330:
            case 0x0C0320:
                return new DeviceStop(memory, time, Kind.Usb, 0, express);
            case 0x010802:
                return new DeviceStop(memory, time, Kind.Nvme, 0, express);
            case 0x010601:
                return new DeviceStop(memory, time, Kind.Ahci, 5, express);
            default:
                return null;
        }
    }

    /// <summary>The BAR that has the registers.</summary>
    public int BarIndex => _barIndex;

    /// <summary>
    /// Begins to stop the device whose registers are at <paramref name="address"/>; memory decoding and bus mastering are on.
    /// <paramref name="function"/> is the one given to <see cref="For"/>.
    /// </summary>
    public void Begin(PciFunctionInfo function, ulong address)
    {
        _base = address;
        _clear = 0;
        _set = 0;
        _statusMask = 0;
        _statusWanted = 0;
        _reset = 0;
        _settle = 0;
        ulong limit = 20 * Millisecond;
        switch (_kind)
        {
            case Kind.E1000:
                MaskE1000();
                _control = E1000Control;
                _status = E1000Status;
                if (_isExpress)
                {
                    _set = E1000MasterDisable;
                    _statusMask = E1000MasterEnabled;
                }
                _reset = E1000Reset;
                // The registers load from the EEPROM after a reset.
                _settle = 10 * Millisecond;
                break;
            case Kind.Usb:
                _control = (uint)_memory.ReadMmio(_base, 4) & 0xFF;
                _status = _control + UsbStatus;
                _clear = UsbRun;
                _statusMask = function.Class == 0x0C0330 ? XhciHalted : EhciHalted;
                _statusWanted = _statusMask;
                _reset = UsbReset;
                // Registers must not be touched for a millisecond (xHCI 4.22.1.1).
                _settle = Millisecond;
                break;
            case Kind.Nvme:
                _control = NvmeConfiguration;
                _status = NvmeStatus;
                _clear = NvmeEnable;
                _statusMask = NvmeReady;
                limit = (1 + (_memory.ReadMmio(_base, 4) >> (int)(8 * NvmeTimeoutByte) & 0xFF)) * 500 * Millisecond;
                break;
            case Kind.Ahci:
                _control = AhciControl;
                _status = AhciControl;
                _reset = AhciReset;
                break;
        }
        uint control = Read(_control);
        uint wanted = (control & ~_clear) | _set;
        if (wanted != control)
            Write(_control, wanted);
        _phase = Phase.Halting;
        _deadline = new Deadline(_time, limit);
    }

    /// <summary>
    /// Goes on with the stop. <see cref="Status.Pending"/>: call again. <see cref="Status.Ok"/>: the device is as after power-on.
    /// <see cref="Status.Timeout"/>: it did not react. <see cref="Status.NotFound"/>: its registers are gone.
    /// </summary>
    public Status Step()
    {
        switch (_phase)
        {
            case Phase.Halting:
                uint status = Read(_status);
                if (status == uint.MaxValue)
                    return Finish(Status.NotFound);
                if ((status & _statusMask) != _statusWanted && !_deadline.HasPassed)
                    return Status.Pending;
                // A device that does not halt in time is reset all the same.
                if (_reset == 0)
                    return Finish((status & _statusMask) == _statusWanted ? Status.Ok : Status.Timeout);
                Write(_control, Read(_control) | _reset);
                _phase = Phase.Resetting;
                _deadline = new Deadline(_time, _settle);
                return Status.Pending;

            case Phase.Resetting:
                if (!_deadline.HasPassed)
                    return Status.Pending;
                _phase = Phase.Settling;
                _deadline = new Deadline(_time, 1000 * Millisecond);
                return Status.Pending;

            case Phase.Settling:
                if ((Read(_control) & _reset) != 0)
                    return _deadline.HasPassed ? Finish(Status.Timeout) : Status.Pending;
                if (_kind == Kind.E1000)
                    MaskE1000();
                return Finish(Status.Ok);

            default:
                return Status.InvalidState;
        }
    }

    private void MaskE1000()
    {
        Write(E1000InterruptMaskClear, uint.MaxValue);
        Write(E1000ReceiveControl, 0);
        Write(E1000TransmitControl, 0);
        // Reading it acknowledges what was pending.
        Read(E1000InterruptCause);
    }

    private Status Finish(Status status)
    {
        _phase = Phase.Finished;
        return status;
    }

    private uint Read(uint register) => (uint)_memory.ReadMmio(_base + register, 4);

    private void Write(uint register, uint value) => _memory.WriteMmio(_base + register, 4, value);
}
