using Hv.Kernel.Io;

namespace Hv.Drivers.Pci;

/// <summary>
/// The MSI-X table and pending bit array of a virtual function (PCI 3.0, 6.8.2), one after the other in one range of registers:
/// the table from offset 0, the pending bits from <see cref="PbaOffset"/>.
/// </summary>
/// <remarks>Runs on the processor that took the exit. Allocates in its constructor only.</remarks>
public sealed class MsixTable : MmioDevice
{
    /// <summary>Bytes of one entry: address, upper address, data, vector control.</summary>
    public const int EntryBytes = 16;
    /// <summary>The most vectors that a table can have.</summary>
    public const int MaxVectors = 2048;
    /// <summary>Message control: MSI-X is in use.</summary>
    public const ushort ControlEnable = 0x8000;
    /// <summary>Message control: every vector is masked.</summary>
    public const ushort ControlFunctionMask = 0x4000;

    private const int WordsPerEntry = 4;
    private const int DataWord = 2;
    private const int ControlWord = 3;
    private const uint Masked = 1;

    private readonly uint[] _table;
    private readonly ulong[] _pending;
    private readonly MessageSink _sink;
    private bool _mayMaster;

    /// <summary>Makes a table of <paramref name="count"/> vectors (1 to <see cref="MaxVectors"/>), all masked, whose messages go to <paramref name="sink"/>.</summary>
    public MsixTable(int count, MessageSink sink)
    {
        Hv.Kernel.Invariant.Holds((uint)(count - 1) < MaxVectors, "number of MSI-X vectors");
        _table = new uint[count * WordsPerEntry];
        _pending = new ulong[(count + 63) / 64];
        _sink = sink;
        Reset();
    }

    /// <summary>How many vectors there are.</summary>
    public int Count => _table.Length / WordsPerEntry;

    /// <summary>Byte offset of the pending bit array.</summary>
    public uint PbaOffset => (uint)(Count * EntryBytes);

    /// <summary>Bytes of registers in all.</summary>
    public uint Size => PbaOffset + (uint)_pending.Length * 8;

    /// <summary>Whether the guest has put MSI-X to use; if not, the function uses INTx.</summary>
    public bool Enabled { get; private set; }

    /// <summary>Whether the guest has masked the function as a whole.</summary>
    public bool FunctionMasked { get; private set; }

    /// <summary>
    /// The function wants interrupt <paramref name="vector"/>: the message is sent, or kept pending while it is masked. False if MSI-X is
    /// not in use: then the function's INTx stands for all of them.
    /// </summary>
    public bool Signal(int vector)
    {
        if (!Enabled)
            return false;
        if ((uint)vector >= (uint)Count)
            return true;
        if (CanSend(vector))
            Send(vector);
        else
            _pending[vector >> 6] |= 1ul << (vector & 63);
        return true;
    }

    /// <summary>The function no longer wants interrupt <paramref name="vector"/>: its message is not sent any more if it is still pending.</summary>
    public void Withdraw(int vector)
    {
        if ((uint)vector < (uint)Count)
            _pending[vector >> 6] &= ~(1ul << (vector & 63));
    }

    /// <summary>Whether a message of <paramref name="vector"/> waits for its mask to go.</summary>
    public bool IsPending(int vector) => (uint)vector < (uint)Count && (_pending[vector >> 6] >> (vector & 63) & 1) != 0;

    /// <inheritdoc/>
    /// <remarks>Accesses of 4 and 8 bytes are defined; smaller ones read the part of the dword they name.</remarks>
    public override ulong ReadMmio(ulong offset, int size)
    {
        ulong low = (ulong)ReadWord(offset) >> (int)(8 * (offset & 3));
        return size switch
        {
            1 => (byte)low,
            2 => (ushort)low,
            4 => low,
            _ => low | (ulong)ReadWord(offset + 4) << 32,
        };
    }

    /// <inheritdoc/>
    /// <remarks>Anything but aligned accesses of 4 and 8 bytes is dropped, as is a write to the pending bits.</remarks>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        if ((offset & 3) != 0 || size < 4)
            return;
        WriteWord(offset, (uint)value);
        if (size == 8)
            WriteWord(offset + 4, (uint)(value >> 32));
    }

    /// <summary>Reset: not in use, all vectors masked, nothing pending.</summary>
    public void Reset()
    {
        for (int i = 0; i < _table.Length; i++)
            _table[i] = i % WordsPerEntry == ControlWord ? Masked : 0;
        for (int i = 0; i < _pending.Length; i++)
            _pending[i] = 0;
        Enabled = false;
        FunctionMasked = false;
        _mayMaster = false;
    }

    /// <summary>Takes over the state of a table of the same number of vectors.</summary>
    public void CopyFrom(MsixTable other)
    {
        if (other.Count != Count)
            return;
        for (int i = 0; i < _table.Length; i++)
            _table[i] = other._table[i];
        for (int i = 0; i < _pending.Length; i++)
            _pending[i] = other._pending[i];
        Enabled = other.Enabled;
        FunctionMasked = other.FunctionMasked;
        _mayMaster = other._mayMaster;
    }

    /// <summary>The message control register and the bus master bit changed; messages that can be sent now are sent.</summary>
    internal void SetControl(ushort control, bool busMaster)
    {
        Enabled = (control & ControlEnable) != 0;
        FunctionMasked = (control & ControlFunctionMask) != 0;
        _mayMaster = busMaster;
        for (int i = 0; i < _pending.Length; i++)
        {
            if (_pending[i] != 0)
                SendPending(i);
        }
    }

    private void SendPending(int word)
    {
        for (int bit = 0; bit < 64; bit++)
        {
            int vector = word * 64 + bit;
            if (IsPending(vector) && CanSend(vector))
                Send(vector);
        }
    }

    private bool CanSend(int vector) => Enabled && _mayMaster && !FunctionMasked && (_table[vector * WordsPerEntry + ControlWord] & Masked) == 0;

    private void Send(int vector)
    {
        Withdraw(vector);
        int at = vector * WordsPerEntry;
        _sink.Send(_table[at] | (ulong)_table[at + 1] << 32, _table[at + DataWord]);
    }

    private uint ReadWord(ulong offset)
    {
        if (offset < PbaOffset)
            return _table[(int)(offset >> 2)];
        ulong bits = offset - PbaOffset;
        return bits < (ulong)_pending.Length * 8 ? (uint)(_pending[(int)(bits >> 3)] >> (int)(8 * (bits & 4))) : 0;
    }

    private void WriteWord(ulong offset, uint value)
    {
        if (offset >= PbaOffset)
            return;
        int word = (int)(offset >> 2);
        int vector = word / WordsPerEntry;
        _table[word] = (word % WordsPerEntry) switch
        {
            0 => value & ~3u,
            ControlWord => value & Masked,
            _ => value,
        };
        if (IsPending(vector) && CanSend(vector))
            Send(vector);
    }
}
