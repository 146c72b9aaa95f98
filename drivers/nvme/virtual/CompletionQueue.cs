using System.Threading;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>A completion queue in guest memory, seen from the controller (NVM Express 1.4, 4.1 and 4.6).</summary>
/// <remarks>A command is read only after room for its completion has been reserved, so posting never finds the queue full.</remarks>
internal sealed unsafe class CompletionQueue
{
    private GuestPhysical _base;
    private uint _tail;
    private bool _phase;

    public CompletionQueue(ushort id) => Id = id;

    /// <summary>CQID.</summary>
    public ushort Id { get; }

    /// <summary>Entries; 0 if the queue does not exist.</summary>
    public uint Size { get; private set; }

    /// <summary>The next entry that the guest reads.</summary>
    public uint Head { get; private set; }

    /// <summary>Entries promised to commands that are not completed yet.</summary>
    public uint Reserved { get; private set; }

    /// <summary>How many submission queues post here.</summary>
    public int Users { get; set; }

    public bool InterruptsEnabled { get; private set; }

    public ushort Vector { get; private set; }

    /// <summary>Something has been posted that no interrupt has told of yet.</summary>
    public bool SignalDue { get; set; }

    public bool Exists => Size != 0;

    /// <summary>Entries that the guest has not read.</summary>
    public uint Used => _tail >= Head ? _tail - Head : _tail + Size - Head;

    public void Create(GuestPhysical address, uint size, bool interrupts, ushort vector)
    {
        Delete();
        _base = address;
        Size = size;
        InterruptsEnabled = interrupts;
        Vector = vector;
        _phase = true;
    }

    public void Delete()
    {
        Size = 0;
        Head = 0;
        _tail = 0;
        Reserved = 0;
        Users = 0;
        InterruptsEnabled = false;
        SignalDue = false;
    }

    public void CopyFrom(CompletionQueue other)
    {
        _base = other._base;
        _tail = other._tail;
        _phase = other._phase;
        Size = other.Size;
        Head = other.Head;
        Reserved = other.Reserved;
        Users = other.Users;
        InterruptsEnabled = other.InterruptsEnabled;
        Vector = other.Vector;
        SignalDue = other.SignalDue;
    }

    /// <summary>Sets an entry aside, if one is free. One always stays unused: a queue with Size - 1 entries in it is full (4.1.2).</summary>
    public bool TryReserve()
    {
        if (!Exists || Used + Reserved + 1 >= Size)
            return false;
        Reserved++;
        return true;
    }

    /// <summary>Gives up a reservation.</summary>
    public void Release() => Reserved--;

    /// <summary>The guest rang the head doorbell. False if it claims to have read what was never posted.</summary>
    public bool TryMoveHead(uint head)
    {
        if (head >= Size)
            return false;
        uint read = head >= Head ? head - Head : head + Size - Head;
        if (read > Used)
            return false;
        Head = head;
        return true;
    }

    /// <summary>Uses up a reservation. False if there is no memory.</summary>
    public bool TryPost(GuestMemory memory, SubmissionQueue queue, ushort commandId, ushort status, uint result)
    {
        Reserved--;
        GuestPhysical address = _base + (ulong)_tail * NvmeCompletion.Bytes;
        byte* page = memory.Page(address, write: true);
        if (page == null)
            return false;
        var entry = new NvmeCompletion(result, (ushort)queue.Head, queue.Id, commandId, status, _phase);
        NvmeCompletion* to = (NvmeCompletion*)(page + address.PageOffset);
        Volatile.Write(ref to->Result, entry.Result);
        Volatile.Write(ref to->Dword1, entry.Dword1);
        Volatile.Write(ref to->Dword2, entry.Dword2);
        Volatile.Write(ref to->Dword3, entry.Dword3);
        if (++_tail == Size)
        {
            _tail = 0;
            _phase = !_phase;
        }
        SignalDue = true;
        return true;
    }
}
