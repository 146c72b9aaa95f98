using Hv.Drivers.Pci;

namespace Hv.Drivers.Platform;

/// <summary>
/// A function of the real machine that a virtual machine may see but not touch: a bridge. It has a private copy of the real configuration space;
/// what the guest writes lands there, and reaches the real function only by <see cref="Commit"/>.
/// </summary>
/// <remarks>
/// The header follows its type (PCI-to-PCI Bridge 1.2, chapter 3), capabilities follow theirs, and device-specific registers keep what is
/// written to them. Base address registers read as zero: what they decode is not there.
/// </remarks>
public sealed class PciBridgeFunction : PciFunction
{
    /// <summary>The bytes of configuration space of a PCI Express function.</summary>
    public const int ExtendedBytes = 4096;

    private const int ConventionalBytes = 256;
    private const int HeaderBytes = 64;
    private const int FirstExtended = 0x100;
    private const int MaxCapabilities = 48;
    private const byte TypeMask = 0x7F, BridgeType = 1;
    private const int PowerControl = 4;
    private const int SlotCapabilities = 0x14;
    private const uint HotPlugCapable = 1u << 6;

    private readonly byte[] _config;
    private readonly byte[] _captured;
    private readonly byte[] _writable;
    private readonly bool[] _isStandard;
    private int _power;

    /// <summary>Makes the copy; <paramref name="extended"/> if the real function has 4096 bytes of configuration space that can be reached.</summary>
    public PciBridgeFunction(bool extended)
    {
        int bytes = extended ? ExtendedBytes : ConventionalBytes;
        _config = new byte[bytes];
        _captured = new byte[bytes];
        _writable = new byte[bytes];
        _isStandard = new bool[bytes];
    }

    /// <inheritdoc/>
    public override uint ReadConfig(int offset, int size)
    {
        uint value = 0;
        for (int i = 0; i < size; i++)
        {
            // Beyond a conventional space, a host bridge answers with all ones.
            uint part = (uint)(offset + i) < (uint)_config.Length ? _config[offset + i] : 0xFFu;
            value |= part << (8 * i);
        }
        return value;
    }

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, uint value)
    {
        for (int i = 0; i < size; i++)
        {
            int at = offset + i;
            if ((uint)at >= (uint)_config.Length)
                continue;
            _config[at] = (byte)((_config[at] & ~_writable[at]) | ((byte)(value >> (8 * i)) & _writable[at]));
        }
    }

    /// <summary>Copies the real function's configuration space, and finds out which bits a guest may change.</summary>
    public void Capture(PciFunction real)
    {
        for (int i = 0; i < _config.Length; i += 4)
            Store(i, real.ReadConfig(i, 4));
        DescribeHeader();
        DescribeCapabilities();
        for (int i = 0; i < _config.Length; i++)
            _captured[i] = _config[i];
    }

    /// <summary>Writes to the real function what the guest has changed since <see cref="Capture"/>, in pieces of two aligned bytes.</summary>
    public void Commit(PciFunction real)
    {
        for (int i = 0; i < _config.Length; i += 2)
        {
            if (_config[i] != _captured[i] || _config[i + 1] != _captured[i + 1])
                real.WriteConfig(i, 2, (uint)(_config[i] | _config[i + 1] << 8));
        }
    }

    /// <summary>
    /// Gives a real PCI-to-PCI bridge the state that the guest takes it to have, whatever another system has made of the bridge since
    /// <see cref="Capture"/>: header and standard capabilities, and what else the guest has changed. The power state stays; decoding and bus
    /// mastering are turned on where the guest wants them, never off, since Hv's own disk may be behind the bridge.
    /// </summary>
    public void TakeOver(PciFunction real)
    {
        if ((_config[PciRegister.HeaderType] & TypeMask) != BridgeType)
            return;
        for (int i = 0; i < _config.Length; i += 2)
        {
            if (i == _power)
                continue;
            uint ours = (uint)(_config[i] | _config[i + 1] << 8);
            if (!_isStandard[i] && !_isStandard[i + 1])
            {
                if (_config[i] != _captured[i] || _config[i + 1] != _captured[i + 1])
                    real.WriteConfig(i, 2, ours);
                continue;
            }
            uint mask = (uint)(_writable[i] | _writable[i + 1] << 8);
            uint now = real.ReadConfig(i, 2);
            uint wanted = now & ~mask | ours & mask;
            if (i == PciRegister.Command)
                wanted |= now & (PciRegister.CommandIo | PciRegister.CommandMemory | PciRegister.CommandBusMaster);
            if (wanted != now)
                real.WriteConfig(i, 2, wanted);
        }
    }

    /// <summary>Forgets what the guest has written.</summary>
    public void Reset()
    {
        for (int i = 0; i < _config.Length; i++)
            _config[i] = _captured[i];
    }

    /// <summary>Takes over the state of <paramref name="other"/>, a copy of the same function.</summary>
    public void CopyFrom(PciBridgeFunction other)
    {
        _power = other._power;
        for (int i = 0; i < _config.Length; i++)
        {
            _config[i] = i < other._config.Length ? other._config[i] : (byte)0xFF;
            _captured[i] = i < other._config.Length ? other._captured[i] : (byte)0xFF;
            _writable[i] = i < other._config.Length ? other._writable[i] : (byte)0;
            _isStandard[i] = i < other._config.Length && other._isStandard[i];
        }
    }

    private void Store(int offset, uint value)
    {
        for (int i = 0; i < 4; i++)
            _config[offset + i] = (byte)(value >> (8 * i));
    }

    private void Allow(int offset, int bytes, uint bits)
    {
        for (int i = 0; i < bytes; i++)
        {
            if ((uint)(offset + i) >= (uint)_writable.Length)
                continue;
            _writable[offset + i] = (byte)(bits >> (8 * i));
            _isStandard[offset + i] = true;
        }
    }

    private void DescribeHeader()
    {
        for (int i = 0; i < _config.Length; i++)
        {
            _writable[i] = i is >= HeaderBytes and < FirstExtended ? (byte)0xFF : (byte)0;
            _isStandard[i] = false;
        }
        Allow(PciRegister.Command, 2, PciRegister.CommandIo | PciRegister.CommandMemory | PciRegister.CommandBusMaster
            | PciRegister.CommandParity | PciRegister.CommandSerr | PciRegister.CommandIntxDisable);
        Allow(PciRegister.CacheLineSize, 1, 0xFF);
        Allow(PciRegister.InterruptLine, 1, 0xFF);
        _power = 0;
        bool bridge = (_config[PciRegister.HeaderType] & TypeMask) == BridgeType;
        int bars = bridge ? 2 : 6;
        for (int i = 0; i < bars; i++)
            Store(PciRegister.Bar0 + 4 * i, 0);
        Store(bridge ? 0x38 : PciRegister.ExpansionRom, 0);
        if (!bridge)
            return;
        Allow(PciRegister.PrimaryBus, 1, 0xFF);
        Allow(PciRegister.SecondaryBus, 1, 0xFF);
        Allow(PciRegister.SubordinateBus, 1, 0xFF);
        Allow(PciRegister.SecondaryLatencyTimer, 1, 0xFF);
        // A window's low bits say what the bridge supports; a window that reads all zero does not exist.
        Allow(PciRegister.IoBase, 1, 0xF0);
        Allow(PciRegister.IoLimit, 1, 0xF0);
        Allow(PciRegister.MemoryBase, 2, 0xFFF0);
        Allow(PciRegister.MemoryLimit, 2, 0xFFF0);
        Allow(PciRegister.PrefetchableBase, 2, 0xFFF0);
        Allow(PciRegister.PrefetchableLimit, 2, 0xFFF0);
        bool wide = (_config[PciRegister.PrefetchableBase] & 0x0F) == 1;
        Allow(PciRegister.PrefetchableBaseUpper, 4, wide ? uint.MaxValue : 0);
        Allow(PciRegister.PrefetchableLimitUpper, 4, wide ? uint.MaxValue : 0);
        Allow(PciRegister.IoUpper, 4, (_config[PciRegister.IoBase] & 0x0F) == 1 ? uint.MaxValue : 0);
        Allow(PciRegister.BridgeControl, 2, 0x0FBF & ~0x0440u);
    }

    /// <summary>Status bits and capabilities of a capability must not take what is written to them; its controls do.</summary>
    private void DescribeCapabilities()
    {
        if ((_config[PciRegister.Status] & PciRegister.StatusCapabilities) == 0)
            return;
        int at = _config[PciRegister.CapabilitiesPointer] & ~3;
        for (int i = 0; i < MaxCapabilities && at >= HeaderBytes; i++)
        {
            switch (_config[at])
            {
                case PciRegister.CapabilityPowerManagement:
                    Protect(at, 8);
                    Allow(at + PowerControl, 2, 0x0103);
                    _power = at + PowerControl;
                    break;
                case PciRegister.CapabilityMsi:
                    DescribeMsi(at);
                    break;
                case PciRegister.CapabilityMsix:
                    Protect(at, 12);
                    Allow(at + 2, 2, MsixTable.ControlEnable | MsixTable.ControlFunctionMask);
                    break;
                case PciRegister.CapabilityExpress:
                    DescribeExpress(at);
                    break;
                default:
                    Protect(at, 4);
                    break;
            }
            at = _config[at + 1] & ~3;
        }
    }

    private void DescribeMsi(int at)
    {
        bool wide = (_config[at + 2] & 0x80) != 0;
        bool maskable = (_config[at + 3] & 0x01) != 0;
        int data = wide ? 12 : 8;
        Protect(at, maskable ? data + 12 : data + 2);
        Allow(at + 2, 2, 0x0071);
        Allow(at + 4, 4, 0xFFFF_FFFC);
        if (wide)
            Allow(at + 8, 4, uint.MaxValue);
        Allow(at + data, 2, 0xFFFF);
        if (maskable)
            Allow(at + data + 4, 4, uint.MaxValue);
    }

    /// <summary>PCI Express 3.0, 7.8: controls of device, link, slot and root. Hot plug is hidden: nobody would carry out its commands.</summary>
    private void DescribeExpress(int at)
    {
        Protect(at, 0x3C);
        if (at + SlotCapabilities + 4 <= ConventionalBytes)
            Store(at + SlotCapabilities, ReadConfig(at + SlotCapabilities, 4) & ~HotPlugCapable);
        Allow(at + 0x08, 2, 0x7FFF);
        Allow(at + 0x10, 2, 0x0FDF);
        Allow(at + 0x18, 2, 0x1FFF);
        Allow(at + 0x1C, 2, 0x001F);
        Allow(at + 0x28, 2, 0xFFFF);
        Allow(at + 0x30, 2, 0xFFFF);
    }

    private void Protect(int offset, int bytes)
    {
        for (int i = 0; i < bytes && offset + i < _writable.Length; i++)
            _writable[offset + i] = 0;
    }
}
