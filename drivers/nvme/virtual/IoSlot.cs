using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>An I/O command on its way: one block request, or for Dataset Management one after the other.</summary>
internal sealed class IoSlot : BlockRequestOwner
{
    private readonly IoCommands _commands;

    public IoSlot(IoCommands commands, int maxSegments)
    {
        _commands = commands;
        Request = new BlockRequest(maxSegments) { Owner = this };
    }

    public BlockRequest Request { get; }

    public SubmissionQueue? Queue { get; set; }

    public VirtualNamespace? Namespace { get; set; }

    /// <summary>A copy that the guest cannot change any more.</summary>
    public NvmeCommand Command;

    /// <summary>How many requests the command takes, all in all.</summary>
    public int Steps { get; set; }

    /// <summary>The request that comes next.</summary>
    public int Step { get; set; }

    /// <summary>The request is with the device.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>The slot's steps are being run further up the stack.</summary>
    public bool IsAdvancing { get; set; }

    /// <summary>How the last request ended.</summary>
    public Status Outcome { get; set; }

    /// <summary>The next slot in the list of free ones.</summary>
    public IoSlot? Next { get; set; }

    public override void Completed(BlockRequest request)
    {
        IsWaiting = false;
        Outcome = request.Status;
        _commands.Advance(this);
    }
}
