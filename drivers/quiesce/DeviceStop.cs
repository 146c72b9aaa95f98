using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Quiesce;

/// <summary>Carries out a <see cref="StopPlan"/>.</summary>
/// <remarks>No call waits, so that the waits of several devices overlap.</remarks>
public sealed class DeviceStop
{
    private const ulong Millisecond = 1_000_000;
    private const uint LimitUnit = 500;

    private readonly MmioDevice _memory;
    private readonly PortDevice _ports;
    private readonly TimeSource _time;
    private readonly StopPlan _plan;

    private bool _isPorts;
    private ulong _base;
    private int _next;
    private bool _isWaiting;
    private Deadline _deadline;

    /// <summary>For <paramref name="plan"/>; offsets in <paramref name="memory"/> are host-physical addresses. Allocates: at boot only.</summary>
    public DeviceStop(StopPlan plan, MmioDevice memory, PortDevice ports, TimeSource time)
    {
        _plan = plan;
        _memory = memory;
        _ports = ports;
        _time = time;
    }

    /// <summary>The plan.</summary>
    public StopPlan Plan => _plan;

    /// <summary>Begins with the BAR at <paramref name="address"/>, host-physical or a port. It is decoded, and bus mastering is on.</summary>
    public void Begin(bool isPorts, ulong address)
    {
        _isPorts = isPorts;
        _base = address + _plan.Offset;
        _next = 0;
        _isWaiting = false;
    }

    /// <summary>
    /// Goes on as far as possible without waiting. <see cref="Status.Pending"/>: call again. <see cref="Status.Ok"/>: all steps are done.
    /// <see cref="Status.Timeout"/>: the device did not react. <see cref="Status.NotFound"/>: its registers are gone.
    /// </summary>
    public Status Step()
    {
        while (_next < _plan.Steps.Length)
        {
            Status status = Do(in _plan.Steps[_next]);
            if (status != Status.Ok)
                return status;
            _isWaiting = false;
            _next++;
        }
        return Status.Ok;
    }

    private Status Do(in StopStep step)
    {
        switch (step.Operation)
        {
            case StopOperation.Change:
                Change(step.Register, in step);
                return Status.Ok;
            case StopOperation.ChangeEach:
                for (int i = 0; i < StopPlan.MaxStreams; i++)
                    Change((uint)(step.Register + i * step.Limit), in step);
                return Status.Ok;
            case StopOperation.Write:
                Write(step.Register, step.Width, step.Value);
                return Status.Ok;
            case StopOperation.Read:
                Read(step.Register, step.Width);
                return Status.Ok;
            case StopOperation.SkipCapabilities:
                _base += (byte)Read(0, step.Width);
                return Status.Ok;
            case StopOperation.Pause:
                return HasTimePassed(step.Limit) ? Status.Ok : Status.Pending;
            default:
                return Wait(in step);
        }
    }

    private Status Wait(in StopStep step)
    {
        uint value = Read(step.Register, step.Width);
        if (value == uint.MaxValue)
            return Status.NotFound;
        if ((value & step.Mask) == step.Value)
            return Status.Ok;
        uint limit = step.Limit;
        if (step.Operation == StopOperation.RequireAsDeviceSays && !_isWaiting)
            limit = (1 + (Read(step.Limit & ~3u, 4) >> 8 * (step.Limit & 3) & 0xFF)) * LimitUnit;
        if (!HasTimePassed(limit))
            return Status.Pending;
        return step.Operation == StopOperation.Await ? Status.Ok : Status.Timeout;
    }

    private bool HasTimePassed(uint milliseconds)
    {
        if (_isWaiting)
            return _deadline.HasPassed;
        _isWaiting = true;
        _deadline = new Deadline(_time, milliseconds * Millisecond);
        return false;
    }

    private void Change(uint register, in StopStep step)
    {
        uint value = Read(register, step.Width);
        uint wanted = (value & ~step.Mask) | step.Value;
        if (wanted != value)
            Write(register, step.Width, wanted);
    }

    private uint Read(uint register, int width) =>
        _isPorts ? _ports.ReadPort((ushort)(_base + register), width) : (uint)_memory.ReadMmio(_base + register, width);

    private void Write(uint register, int width, uint value)
    {
        if (_isPorts)
            _ports.WritePort((ushort)(_base + register), width, value);
        else
            _memory.WriteMmio(_base + register, width, value);
    }
}
