using System.Threading;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>A submission queue in guest memory, seen from the controller (NVM Express 1.4, 4.1).</summary>
internal sealed unsafe class SubmissionQueue
{
    private GuestPhysical _base;

    public SubmissionQueue(ushort id) => Id = id;

    /// <summary>SQID.</summary>
    public ushort Id { get; }

    /// <summary>Entries; 0 if the queue does not exist.</summary>
    public uint Size { get; private set; }

    /// <summary>The next entry that the controller reads.</summary>
    public uint Head { get; private set; }

    /// <summary>The entry after the last one that the guest has handed over.</summary>
    public uint Tail { get; private set; }

    /// <summary>Which completion queue it posts to.</summary>
    public ushort CompletionQueueId { get; private set; }

    /// <summary>Commands read and not completed yet.</summary>
    public uint InFlight { get; set; }

    /// <summary>Being deleted: nothing is read any more.</summary>
    public bool IsDeleting { get; set; }

    /// <summary>The CID of the command that deletes the queue, once <see cref="InFlight"/> is 0.</summary>
    public ushort DeletionCommandId { get; set; }

    public bool Exists => Size != 0;

    public bool IsEmpty => Head == Tail;

    public void Create(GuestPhysical address, uint size, ushort completionQueue)
    {
        Delete();
        _base = address;
        Size = size;
        CompletionQueueId = completionQueue;
    }

    public void Delete()
    {
        Size = 0;
        Head = 0;
        Tail = 0;
        InFlight = 0;
        IsDeleting = false;
    }

    public void CopyFrom(SubmissionQueue other)
    {
        _base = other._base;
        Size = other.Size;
        Head = other.Head;
        Tail = other.Tail;
        CompletionQueueId = other.CompletionQueueId;
        InFlight = other.InFlight;
        IsDeleting = other.IsDeleting;
        DeletionCommandId = other.DeletionCommandId;
    }

    /// <summary>The guest rang the tail doorbell. False if it wrote nonsense.</summary>
    public bool TryMoveTail(uint tail)
    {
        if (tail >= Size)
            return false;
        Tail = tail;
        return true;
    }

    /// <summary>Copies the entry at the head out of guest memory, once, and goes on to the next. False if there is no memory.</summary>
    public bool TryFetch(GuestMemory memory, out NvmeCommand command)
    {
        NvmeCommand copy = default;
        GuestPhysical address = _base + (ulong)Head * NvmeCommand.Bytes;
        byte* page = memory.Page(address, write: false);
        if (page != null)
        {
            ulong* from = (ulong*)(page + address.PageOffset);
            ulong* to = (ulong*)&copy;
            for (int i = 0; i < NvmeCommand.Bytes / sizeof(ulong); i++)
                to[i] = Volatile.Read(ref from[i]);
            Head = Head + 1 == Size ? 0 : Head + 1;
        }
        command = copy;
        return page != null;
    }
}
