using Hv.Drivers.Nvme.Spec;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>The values of Get and Set Features (NVM Express 1.4, 5.13 and 5.21.1). Nothing is saved over a reset.</summary>
internal sealed class FeatureSet
{
    private const int CompositeSensor = 0;
    private const int AllSensors = 15;
    private const uint MaxQueuesInvalid = 0xFFFF;
    private const uint CoalescingDisabled = 1u << 16;

    private readonly int _ioQueues;
    private readonly int _vectors;
    private uint _arbitration;
    private uint _overTemperature;
    private uint _underTemperature;
    private uint _errorRecovery;
    private uint _interruptCoalescing;
    private uint _coalescingDisabled;
    private uint _writeAtomicity;

    /// <summary>For a controller with so many pairs of I/O queues and so many (at most 32) interrupt vectors.</summary>
    public FeatureSet(int ioQueues, int vectors)
    {
        _ioQueues = ioQueues;
        _vectors = vectors;
        Reset();
    }

    /// <summary>Whether writes may stay in the disk's cache until a flush.</summary>
    public bool WriteCacheEnabled { get; private set; }

    /// <summary>Which events the guest wants to hear of.</summary>
    public uint AsyncEvents { get; private set; }

    public void Reset()
    {
        _arbitration = 0;
        _overTemperature = LogPages.WarningKelvin;
        _underTemperature = 0;
        _errorRecovery = 0;
        _interruptCoalescing = 0;
        _coalescingDisabled = 0;
        _writeAtomicity = 0;
        WriteCacheEnabled = true;
        AsyncEvents = 0;
    }

    public void CopyFrom(FeatureSet other)
    {
        _arbitration = other._arbitration;
        _overTemperature = other._overTemperature;
        _underTemperature = other._underTemperature;
        _errorRecovery = other._errorRecovery;
        _interruptCoalescing = other._interruptCoalescing;
        _coalescingDisabled = other._coalescingDisabled;
        _writeAtomicity = other._writeAtomicity;
        WriteCacheEnabled = other.WriteCacheEnabled;
        AsyncEvents = other.AsyncEvents;
    }

    /// <summary>Get Features; <paramref name="result"/> is dword 0 of the completion.</summary>
    public ushort Get(in NvmeCommand command, out uint result)
    {
        result = 0;
        uint selector = command.Dword10 >> 8 & 7;
        if (selector != 0)
            return NvmeStatus.InvalidField;
        uint argument = command.Dword11;
        switch ((byte)command.Dword10)
        {
            case NvmeFeature.Arbitration:
                result = _arbitration;
                return NvmeStatus.Success;
            case NvmeFeature.PowerManagement:
                return NvmeStatus.Success;
            case NvmeFeature.TemperatureThreshold:
                if (Sensor(argument) != CompositeSensor || ThresholdType(argument) > 1)
                    return NvmeStatus.InvalidField;
                result = ThresholdType(argument) == 0 ? _overTemperature : _underTemperature;
                return NvmeStatus.Success;
            case NvmeFeature.ErrorRecovery:
                result = _errorRecovery;
                return NvmeStatus.Success;
            case NvmeFeature.VolatileWriteCache:
                result = WriteCacheEnabled ? 1u : 0;
                return NvmeStatus.Success;
            case NvmeFeature.NumberOfQueues:
                result = QueueCounts;
                return NvmeStatus.Success;
            case NvmeFeature.InterruptCoalescing:
                result = _interruptCoalescing;
                return NvmeStatus.Success;
            case NvmeFeature.InterruptVectorConfiguration:
                uint vector = argument & 0xFFFF;
                if (vector >= _vectors)
                    return NvmeStatus.InvalidField;
                result = vector | ((_coalescingDisabled >> (int)vector & 1) != 0 ? CoalescingDisabled : 0);
                return NvmeStatus.Success;
            case NvmeFeature.WriteAtomicity:
                result = _writeAtomicity;
                return NvmeStatus.Success;
            case NvmeFeature.AsyncEventConfiguration:
                result = AsyncEvents;
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidField;
        }
    }

    /// <summary>Set Features; <paramref name="result"/> is dword 0 of the completion.</summary>
    public ushort Set(in NvmeCommand command, bool ioQueuesExist, out uint result)
    {
        result = 0;
        if (command.Dword10 >> 31 != 0)
            return NvmeStatus.FeatureNotSaveable;
        uint argument = command.Dword11;
        switch ((byte)command.Dword10)
        {
            case NvmeFeature.Arbitration:
                _arbitration = argument;
                return NvmeStatus.Success;
            case NvmeFeature.PowerManagement:
                // There is one power state, number 0.
                return (argument & 0x1F) == 0 ? NvmeStatus.Success : NvmeStatus.InvalidField;
            case NvmeFeature.TemperatureThreshold:
                return SetThreshold(argument);
            case NvmeFeature.ErrorRecovery:
                _errorRecovery = argument & 0xFFFF;
                return NvmeStatus.Success;
            case NvmeFeature.VolatileWriteCache:
                WriteCacheEnabled = (argument & 1) != 0;
                return NvmeStatus.Success;
            case NvmeFeature.NumberOfQueues:
                if ((argument & 0xFFFF) == MaxQueuesInvalid || argument >> 16 == MaxQueuesInvalid)
                    return NvmeStatus.InvalidField;
                if (ioQueuesExist)
                    return NvmeStatus.CommandSequenceError;
                result = QueueCounts;
                return NvmeStatus.Success;
            case NvmeFeature.InterruptCoalescing:
                // Kept for the guest to read back: completions are announced at once.
                _interruptCoalescing = argument & 0xFFFF;
                return NvmeStatus.Success;
            case NvmeFeature.InterruptVectorConfiguration:
                uint vector = argument & 0xFFFF;
                if (vector >= _vectors)
                    return NvmeStatus.InvalidField;
                _coalescingDisabled &= ~(1u << (int)vector);
                if ((argument & CoalescingDisabled) != 0)
                    _coalescingDisabled |= 1u << (int)vector;
                return NvmeStatus.Success;
            case NvmeFeature.WriteAtomicity:
                _writeAtomicity = argument & 1;
                return NvmeStatus.Success;
            case NvmeFeature.AsyncEventConfiguration:
                AsyncEvents = argument & (0xFF | NvmeIdentify.NamespaceAttributeNotices);
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidField;
        }
    }

    /// <summary>Number of I/O submission queues in bits 15:0, of completion queues in 31:16, both 0's based: all of them, however few were asked for.</summary>
    private uint QueueCounts => (uint)(_ioQueues - 1) | (uint)(_ioQueues - 1) << 16;

    private static uint Sensor(uint argument) => argument >> 16 & 0xF;

    private static uint ThresholdType(uint argument) => argument >> 20 & 3;

    private ushort SetThreshold(uint argument)
    {
        uint sensor = Sensor(argument);
        if ((sensor != CompositeSensor && sensor != AllSensors) || ThresholdType(argument) > 1)
            return NvmeStatus.InvalidField;
        if (ThresholdType(argument) == 0)
            _overTemperature = argument & 0xFFFF;
        else
            _underTemperature = argument & 0xFFFF;
        return NvmeStatus.Success;
    }
}
