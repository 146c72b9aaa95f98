namespace Hv.Drivers.Nvme.Virtual;

/// <summary>Who carries out the vendor-specific admin commands (opcodes C0h to FFh): the control channel.</summary>
/// <remarks>
/// Called on the processor that took the exit, while the controller is at work: an implementation that wants to pause, reset or rebind a
/// controller notes that down, and does it after the exit. What the guest sent is unchecked, but for the length of the buffer.
/// </remarks>
public abstract class VendorCommands
{
    /// <summary>Carries out <paramref name="command"/>. Its <see cref="VendorCommand.Complete"/> is called in here, or later: then the guest waits.</summary>
    public abstract void Execute(VendorCommand command);

    /// <summary>The guest gave up waiting (abort, controller reset): <paramref name="command"/> must not be completed any more.</summary>
    public abstract void Cancel(VendorCommand command);

    /// <summary>
    /// The VM is a fork of another in which a command was pending; <paramref name="command"/> is the copy, and is completed on its own.
    /// </summary>
    public abstract void Adopt(VendorCommand command);
}
