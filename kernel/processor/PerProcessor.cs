using System.Runtime.InteropServices;
using System.Threading;

namespace Hv.Kernel.Processor;

/// <summary>
/// What Hv knows of one processor where no object can be asked: in its own interrupt handlers, and from other processors. GS points to it whenever Hv runs
/// (its first field is its own address, see <see cref="Stubs.CurrentProcessor"/>).
/// </summary>
/// <remarks>
/// A kick brings a processor out of its guest: <see cref="AskForAttention"/>, and an NMI if it is in one. The order is what makes it safe: who kicks sets
/// <see cref="_attention"/> and then looks at <see cref="_isInGuest"/>; the kicked one sets <see cref="_isInGuest"/> and then looks at <see cref="_attention"/>; both with a full barrier
/// in between. An NMI that comes before the guest is entered makes it exit at once.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct PerProcessor
{
    // About a tenth of a second of the TSC: an emulator's processor may be kept from running for a while.
    private const ulong PatienceTicks = 1ul << 28;

    private PerProcessor* _self;
    private uint _apicId;
    private int _index;
    private ulong _stackBottom, _stackTop;
    private int _attention;
    private int _isInGuest;
    private int _kickIsUnderWay;
    private int _pendingNmi;
    private int _surplusKicks;
    private ulong _kickedAt;

    /// <summary>This processor's.</summary>
    public static PerProcessor* Current => Stubs.CurrentProcessor();

    /// <summary>Its number, from 0 (the bootstrap processor) on: that of its virtual processors, too.</summary>
    public readonly int Index => _index;

    /// <summary>Its APIC ID.</summary>
    public readonly uint ApicId => _apicId;

    /// <summary>Names the processor at <paramref name="place"/>, where its record will be.</summary>
    public static void Initialize(PerProcessor* place, int index, uint apicId, ulong stackBottom, ulong stackTop)
    {
        *place = default;
        place->_self = place;
        place->_index = index;
        place->_apicId = apicId;
        place->_stackBottom = stackBottom;
        place->_stackTop = stackTop;
    }

    /// <summary>Whether an address lies in the memory from its lowest to its highest stack (Hv-virtual).</summary>
    public readonly bool HasOnStack(ulong address) => address >= _stackBottom && address + sizeof(ulong) <= _stackTop;

    /// <summary>Somebody wants this processor to look around before it enters a guest. On the processor itself.</summary>
    public readonly bool IsWanted => Volatile.Read(in _attention) != 0;

    /// <summary>Whether it is in a guest, or about to enter one.</summary>
    public readonly bool IsInGuest => Volatile.Read(in _isInGuest) != 0;

    /// <summary>It is going to look around now: what was asked for before this need not be asked for again.</summary>
    public void TakeAttention() => Volatile.Write(ref _attention, 0);

    /// <summary>False: it is wanted, and must not enter. On the processor itself, before it enters a guest.</summary>
    public bool TryEnterGuest()
    {
        _ = Interlocked.Exchange(ref _isInGuest, 1);
        if (!IsWanted)
            return true;
        LeaveGuest();
        return false;
    }

    /// <summary>On the processor itself, when it has left its guest.</summary>
    public void LeaveGuest() => Volatile.Write(ref _isInGuest, 0);

    /// <summary>Makes it look around soon. On any processor that has Hv's descriptors.</summary>
    public void AskForAttention()
    {
        _ = Interlocked.Exchange(ref _attention, 1);
        Kick();
    }

    /// <summary>Brings it out of its guest, if it is in one. Who waits for that calls this again and again: an NMI that does not arrive is sent once more after a while.</summary>
    public void Kick()
    {
        if (!IsInGuest)
            return;
        ulong now = Stubs.ReadTsc();
        if (Interlocked.Exchange(ref _kickIsUnderWay, 1) != 0)
        {
            if (now - Volatile.Read(in _kickedAt) < PatienceTicks)
                return;
            Volatile.Write(ref _surplusKicks, 1);
        }
        Volatile.Write(ref _kickedAt, now);
        LocalApicAccess.SendNmi(_apicId);
    }

    /// <summary>
    /// True: the NMI that has come is a kick of Hv's. False: it is a guest's. One of each at the same moment are one NMI to the processor, and then count as Hv's.
    /// </summary>
    private bool TakeKick() => Interlocked.Exchange(ref _kickIsUnderWay, 0) != 0 || Interlocked.Exchange(ref _surplusKicks, 0) != 0;

    /// <summary>An NMI has come, to a guest or to Hv itself: if it is no kick, the primary is to get it. On the processor itself.</summary>
    public void ReceiveNmi()
    {
        if (!TakeKick())
            Volatile.Write(ref _pendingNmi, 1);
    }

    /// <summary>Whether an NMI waits for the primary.</summary>
    public readonly bool HasNmi => Volatile.Read(in _pendingNmi) != 0;

    /// <summary>Takes that NMI. One more that came meanwhile is one with it, as NMIs are.</summary>
    public bool TakeNmi() => HasNmi && Interlocked.Exchange(ref _pendingNmi, 0) != 0;
}
