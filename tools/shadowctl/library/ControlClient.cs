using System;
using System.Runtime.InteropServices;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>Speaks the control channel.</summary>
public sealed class ControlClient(IAdminPort port) : IDisposable
{
    /// <summary>
    /// Starts a shadow that gets at least <paramref name="share"/> percent of the processors (0: Hv's default): a fork of this system, or, if
    /// <paramref name="cold"/>, one that starts from the boot snapshot. A fork returns twice: true in the shadow.
    /// </summary>
    public bool Start(int share, bool cold)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.Start, (uint)share, cold ? ControlOpcode.StartCold : 0), []);
        Check(reply);
        return !cold && reply.Result == ControlOpcode.StartedShadow;
    }

    /// <summary>How things stand.</summary>
    public StatusBlock Status() => ReadStatus(new AdminCommand(ControlOpcode.Status));

    /// <summary>How things stand once the sequence number is no longer <paramref name="sequence"/>, or after <paramref name="limit"/>.</summary>
    public StatusBlock WaitChange(uint sequence, TimeSpan limit) =>
        ReadStatus(new AdminCommand(ControlOpcode.WaitChange, sequence, (uint)limit.TotalMilliseconds));

    /// <summary>Reports that the shadow is up; true once it is the machine's system, false after <paramref name="limit"/>.</summary>
    /// <exception cref="ControlException">This system is no shadow.</exception>
    public bool Ready(TimeSpan limit)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.Ready, (uint)limit.TotalMilliseconds), []);
        Check(reply);
        return reply.Result == ControlOpcode.ReadyPromoted;
    }

    /// <summary>Switches to the shadow. If that works, this does not return: the system is gone.</summary>
    public void Switch() => Check(port.Send(new AdminCommand(ControlOpcode.Switch), []));

    /// <summary>Throws the shadow away.</summary>
    public void Abort() => Check(port.Send(new AdminCommand(ControlOpcode.Abort), []));

    /// <summary>Reads the shadow's serial log from <paramref name="offset"/>; gives how many bytes were there.</summary>
    public int ReadLog(ulong offset, Span<byte> bytes)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.ReadLog, (uint)offset, (uint)(offset >> 32)), bytes);
        Check(reply);
        return (int)Math.Min(reply.Result, (uint)bytes.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => port.Dispose();

    private StatusBlock ReadStatus(AdminCommand command)
    {
        byte[] bytes = new byte[StatusBlock.Size];
        Check(port.Send(command, bytes));
        var status = MemoryMarshal.Read<StatusBlock>(bytes);
        if (status.Magic != StatusBlock.ExpectedMagic || status.Version < StatusBlock.CurrentVersion)
            throw new ControlException(ExitCode.NoHypervisor, "This Hv does not understand this version of shadowctl.");
        return status;
    }

    private static void Check(AdminReply reply)
    {
        if (reply.Status != 0)
            throw new ControlException(ExitCode.Failed, Names.Refusal(reply.Status));
    }
}
