using Hv.Kernel;
using Hv.Kernel.Io;

namespace Hv.Drivers.Pci;

/// <summary>
/// A function that exists in Hv only: a type 0 header with memory BARs, a capability list, INTx and MSI-X. A device model derives
/// from it, describes itself in its constructor, and answers its registers in <see cref="ReadBar"/> and <see cref="WriteBar"/>.
/// </summary>
/// <remarks>
/// Every bit of the header is in one of three kinds, held in masks: read-only (both masks 0), writable, or cleared by writing a one.
/// BAR sizing needs nothing more than that.
/// </remarks>
public abstract class VirtualPciFunction : PciFunction
{
    /// <summary>The bytes of configuration space that hold something; the rest of the 4096 reads zero.</summary>
    public const int ConfigBytes = 256;
    /// <summary>How many base address registers a type 0 header has.</summary>
    public const int BarCount = 6;

    private const int FirstCapability = 0x40;
    private const int MsixCapabilityBytes = 12;
    private const int MsixControl = 2;

    private readonly byte[] _config = new byte[ConfigBytes];
    private readonly byte[] _initial = new byte[ConfigBytes];
    private readonly byte[] _writable = new byte[ConfigBytes];
    private readonly byte[] _clearable = new byte[ConfigBytes];
    private readonly PciBar?[] _bars = new PciBar?[BarCount];
    private InterruptLine? _intx;
    private MsixTable? _msix;
    private int _msixCapability;
    private int _lastCapability;
    private int _nextCapability = FirstCapability;
    private bool _intxLevel;

    /// <summary>Makes the header. <paramref name="classCode"/> is class, sub-class and programming interface: 010802h is NVMe.</summary>
    protected VirtualPciFunction(ushort vendor, ushort device, uint classCode, byte revision, ushort subsystemVendor, ushort subsystem)
    {
        Define(PciRegister.VendorId, 2, vendor, 0);
        Define(PciRegister.DeviceId, 2, device, 0);
        Define(PciRegister.RevisionId, 1, revision, 0);
        Define(PciRegister.ClassCode, 3, classCode, 0);
        Define(PciRegister.SubsystemVendorId, 2, subsystemVendor, 0);
        Define(PciRegister.SubsystemId, 2, subsystem, 0);
        Define(PciRegister.Command, 2, 0, PciRegister.CommandMemory | PciRegister.CommandBusMaster | PciRegister.CommandParity
            | PciRegister.CommandSerr | PciRegister.CommandIntxDisable);
        _clearable[PciRegister.Status + 1] = PciRegister.StatusWriteOneToClear >> 8;
        Define(PciRegister.CacheLineSize, 1, 0, 0xFF);
        Define(PciRegister.InterruptLine, 1, 0, 0xFF);
    }

    /// <summary>Whether the guest has memory decoding on: the BARs answer.</summary>
    public bool DecodesMemory => (_config[PciRegister.Command] & PciRegister.CommandMemory) != 0;

    /// <summary>Whether the guest lets the function do DMA and send messages.</summary>
    public bool IsBusMaster => (_config[PciRegister.Command] & PciRegister.CommandBusMaster) != 0;

    /// <summary>The MSI-X table, if <see cref="AddMsix"/> was called.</summary>
    public MsixTable? Msix => _msix;

    /// <summary>The level of the INTx pin: wanted, not disabled, and MSI-X not in use (PCI 3.0, 6.8.2.3).</summary>
    public bool IntxAsserted => _intxLevel && (_config[PciRegister.Command + 1] & (PciRegister.CommandIntxDisable >> 8)) == 0
        && !(_msix != null && _msix.Enabled);

    /// <summary>Reads the function's registers: <paramref name="size"/> (1, 2, 4, 8) bytes at <paramref name="offset"/> in BAR <paramref name="bar"/>.</summary>
    public abstract ulong ReadBar(int bar, ulong offset, int size);

    /// <summary>Writes the function's registers.</summary>
    public abstract void WriteBar(int bar, ulong offset, int size, ulong value);

    /// <summary>Called after a configuration write has been carried out, so that the model can act on Command or its own capabilities.</summary>
    protected virtual void ConfigWritten(int offset, int size)
    {
    }

    /// <inheritdoc/>
    public override uint ReadConfig(int offset, int size)
    {
        uint value = 0;
        for (int i = 0; i < size; i++)
        {
            if ((uint)(offset + i) < ConfigBytes)
                value |= (uint)_config[offset + i] << (8 * i);
        }
        return value;
    }

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, uint value)
    {
        for (int i = 0; i < size; i++)
        {
            int at = offset + i;
            if ((uint)at >= ConfigBytes)
                continue;
            byte written = (byte)(value >> (8 * i));
            _config[at] = (byte)((_config[at] & ~_writable[at]) | (written & _writable[at]));
            _config[at] = (byte)(_config[at] & ~(written & _clearable[at]));
        }
        HeaderChanged();
        ConfigWritten(offset, size);
    }

    /// <summary>Drives INTx: what the function wants, before the INTx disable bit is applied.</summary>
    public void SetIntx(bool wanted)
    {
        _intxLevel = wanted;
        HeaderChanged();
    }

    /// <summary>
    /// Says where the INTx pin is wired to: <paramref name="pin"/> 1 is INTA#; <paramref name="line"/> is the note that firmware left in
    /// the interrupt line register.
    /// </summary>
    public void ConnectIntx(int pin, byte line, InterruptLine wire)
    {
        _intx = wire;
        Define(PciRegister.InterruptPin, 1, (uint)pin, 0);
        Define(PciRegister.InterruptLine, 1, line, 0xFF);
    }

    /// <summary>Marks the device as one with several functions.</summary>
    public void SetMultiFunction() => Define(PciRegister.HeaderType, 1, PciRegister.HeaderMultiFunction, 0);

    /// <summary>Gives a BAR the address that firmware assigned; 0 means none. Also its value after a reset.</summary>
    public void SetBarAddress(int bar, ulong address)
    {
        if ((uint)bar >= BarCount || _bars[bar] == null)
            return;
        int at = PciRegister.Bar0 + 4 * bar;
        ulong mask = Mask(at, 4);
        bool wide = (_config[at] & PciRegister.BarWide) != 0;
        if (wide)
            mask |= (ulong)Mask(at + 4, 4) << 32;
        address &= mask;
        Store(at, 4, (uint)(address | (_config[at] & 0xFu)));
        if (wide)
            Store(at + 4, 4, (uint)(address >> 32));
    }

    /// <summary>Sets the command register, as firmware left it. Also its value after a reset.</summary>
    public void SetCommand(ushort command)
    {
        Store(PciRegister.Command, 2, command & Mask(PciRegister.Command, 2));
        HeaderChanged();
    }

    /// <summary>The guest-physical address that the guest gave BAR <paramref name="bar"/>; not meaningful unless <see cref="DecodesMemory"/>.</summary>
    public ulong BarAddress(int bar)
    {
        if ((uint)bar >= BarCount || _bars[bar] == null)
            return 0;
        int at = PciRegister.Bar0 + 4 * bar;
        ulong address = ReadConfig(at, 4) & ~0xFul;
        return (_config[at] & PciRegister.BarWide) != 0 ? address | (ulong)ReadConfig(at + 4, 4) << 32 : address;
    }

    /// <summary>Finds the BAR that answers guest-physical <paramref name="address"/> now, and the byte offset in it.</summary>
    public bool TryFindMmio(GuestPhysical address, out MmioDevice? device, out ulong offset)
    {
        device = null;
        offset = 0;
        if (!DecodesMemory)
            return false;
        for (int i = 0; i < BarCount; i++)
        {
            PciBar? bar = _bars[i];
            if (bar == null)
                continue;
            offset = address.Value - BarAddress(i);
            if (offset < bar.Size)
            {
                device = bar;
                return true;
            }
        }
        return false;
    }

    /// <summary>Power-on (or function-level) reset of the header: as it was described at construction. BARs keep what <see cref="SetBarAddress"/> gave.</summary>
    public virtual void Reset()
    {
        for (int i = 0; i < ConfigBytes; i++)
            _config[i] = _initial[i];
        _intxLevel = false;
        if (_msix != null)
            _msix.Reset();
        HeaderChanged();
    }

    /// <summary>Takes over the state (not the description) of <paramref name="other"/>, a function of the same make.</summary>
    public void CopyHeaderFrom(VirtualPciFunction other)
    {
        for (int i = 0; i < ConfigBytes; i++)
            _config[i] = other._config[i];
        _intxLevel = other._intxLevel;
        if (_msix != null && other._msix != null)
            _msix.CopyFrom(other._msix);
        HeaderChanged();
    }

    /// <summary>
    /// Describes memory BAR <paramref name="index"/>; <paramref name="size"/> is a power of two of at least 16 bytes.
    /// A <paramref name="wide"/> one has a 64-bit address and takes the next BAR too.
    /// </summary>
    protected void DefineMemoryBar(int index, ulong size, bool wide, bool prefetchable)
    {
        Invariant.Holds((uint)index < BarCount - (wide ? 1u : 0u) && size >= 16 && (size & (size - 1)) == 0, "BAR description");
        ulong mask = ~(size - 1);
        int at = PciRegister.Bar0 + 4 * index;
        Define(at, 4, (wide ? PciRegister.BarWide : 0) | (prefetchable ? PciRegister.BarPrefetchable : 0), (uint)mask & ~0xFu);
        if (wide)
            Define(at + 4, 4, 0, (uint)(mask >> 32));
        _bars[index] = new PciBar(this, index, size);
    }

    /// <summary>Appends a capability of <paramref name="bytes"/> bytes (with its two-byte head) to the list; the rest is zero and read-only
    /// until <see cref="Define"/> says otherwise. Returns its offset.</summary>
    protected int AddCapability(byte id, int bytes)
    {
        int at = _nextCapability;
        Invariant.Holds(bytes >= 2 && at + bytes <= ConfigBytes, "capability list");
        Define(at, 1, id, 0);
        Define(_lastCapability == 0 ? PciRegister.CapabilitiesPointer : _lastCapability + 1, 1, (uint)at, 0);
        Define(PciRegister.Status, 1, PciRegister.StatusCapabilities, 0);
        _lastCapability = at;
        _nextCapability = (at + bytes + 3) & ~3;
        return at;
    }

    /// <summary>
    /// Appends the MSI-X capability (PCI 3.0, 6.8.2.3) for <paramref name="table"/>, whose registers the model answers at byte
    /// <paramref name="offset"/> (a multiple of 8) in BAR <paramref name="bar"/>: it passes those accesses on to the table, which is an MmioDevice.
    /// </summary>
    protected void AddMsix(MsixTable table, int bar, uint offset)
    {
        _msix = table;
        _msixCapability = AddCapability(PciRegister.CapabilityMsix, MsixCapabilityBytes);
        Define(_msixCapability + MsixControl, 2, (uint)(table.Count - 1), MsixTable.ControlEnable | MsixTable.ControlFunctionMask);
        Define(_msixCapability + 4, 4, offset | (uint)bar, 0);
        Define(_msixCapability + 8, 4, (offset + table.PbaOffset) | (uint)bar, 0);
    }

    /// <summary>Gives <paramref name="bytes"/> bytes of the header a value now and after a reset, and says which bits the guest may write.</summary>
    protected void Define(int offset, int bytes, uint value, uint writableBits)
    {
        Store(offset, bytes, value);
        for (int i = 0; i < bytes; i++)
            _writable[offset + i] = (byte)(writableBits >> (8 * i));
    }

    private void Store(int offset, int bytes, uint value)
    {
        for (int i = 0; i < bytes; i++)
        {
            _config[offset + i] = (byte)(value >> (8 * i));
            _initial[offset + i] = _config[offset + i];
        }
    }

    private uint Mask(int offset, int bytes)
    {
        uint mask = 0;
        for (int i = 0; i < bytes; i++)
            mask |= (uint)_writable[offset + i] << (8 * i);
        return mask;
    }

    /// <summary>Makes everything that follows from the header agree with it: interrupt status, MSI-X state, the INTx wire.</summary>
    private void HeaderChanged()
    {
        if (_intxLevel)
            _config[PciRegister.Status] |= (byte)PciRegister.StatusInterrupt;
        else
            _config[PciRegister.Status] &= (byte)(0xFF & ~PciRegister.StatusInterrupt);
        if (_msix != null)
            _msix.SetControl((ushort)ReadConfig(_msixCapability + MsixControl, 2), IsBusMaster);
        if (_intx != null)
            _intx.Set(IntxAsserted);
    }
}
