using Hv.Drivers.Nvme.Spec;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>A vendor-specific admin command on its way through <see cref="VendorCommands"/>.</summary>
public sealed class VendorCommand
{
    private readonly AdminCommands _admin;
    private NvmeCommand _command;

    internal VendorCommand(AdminCommands admin) => _admin = admin;

    /// <summary>The submission queue entry: a copy that the guest cannot change any more.</summary>
    public ref readonly NvmeCommand Command => ref _command;

    /// <summary>The data buffer; its length is NDT (dword 10) times four.</summary>
    public GuestBuffer Data { get; } = new();

    /// <summary>The command has been taken from the queue and is not completed yet.</summary>
    public bool IsPending { get; private set; }

    /// <summary>It is done, but its completion has not found room yet.</summary>
    internal bool IsAnswered { get; private set; }

    internal bool IsFree => !IsPending && !IsAnswered;

    internal ushort Status { get; private set; }

    internal uint Result { get; private set; }

    /// <summary>Answers the command with a value of <see cref="NvmeStatus"/> and dword 0 of the completion. Once, while it is pending.</summary>
    public void Complete(ushort status, uint result)
    {
        if (!IsPending)
            return;
        IsPending = false;
        IsAnswered = true;
        Status = status;
        Result = result;
        _admin.VendorAnswered();
    }

    /// <summary>Takes a command in; Success, or what is wrong with its buffer.</summary>
    internal ushort Begin(GuestMemory memory, in NvmeCommand command, uint bytes)
    {
        _command = command;
        ushort status = Data.Map(memory, command, bytes);
        IsPending = status == NvmeStatus.Success;
        return status;
    }

    internal void Free()
    {
        IsPending = false;
        IsAnswered = false;
    }

    internal void CopyFrom(VendorCommand other, GuestMemory memory)
    {
        _command = other._command;
        Data.CopyFrom(other.Data, memory);
        IsPending = other.IsPending;
        IsAnswered = other.IsAnswered;
        Status = other.Status;
        Result = other.Result;
    }
}
