using System;
using System.Runtime.InteropServices;
using System.Text;
using Hv.Drivers.Control;
using Hv.Drivers.Nvme.Spec;

namespace Hv.ShadowControl;

/// <summary>Speaks the control channel.</summary>
public sealed class ControlClient(IAdminPort port) : IDisposable
{
    /// <summary>Starts a shadow. A fork returns twice: true in the shadow.</summary>
    public bool Start(in StartOptions options)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.Start, options.Dword12, options.Dword13, options.Dword14), []);
        Check(reply);
        return !options.IsCold && reply.Result == ControlOpcode.StartedShadow;
    }

    /// <summary>Says how the next shadow shares the disk, with a <see cref="DataTable"/>.</summary>
    public void SetData(byte[] table) => Check(port.Send(new AdminCommand(ControlOpcode.SetData), table));

    /// <summary>The old primary's last view of the disk is needed no more.</summary>
    public void ReleaseLastView() => Check(port.Send(new AdminCommand(ControlOpcode.ReleaseLastView), []));

    /// <summary>How things stand.</summary>
    public StatusBlock Status() => ReadStatus(new AdminCommand(ControlOpcode.Status));

    /// <summary>How things stand once the sequence number is no longer <paramref name="sequence"/>, or after <paramref name="limit"/>.</summary>
    public StatusBlock WaitChange(uint sequence, TimeSpan limit) =>
        ReadStatus(new AdminCommand(ControlOpcode.WaitChange, sequence, (uint)limit.TotalMilliseconds));

    /// <summary>
    /// Reports that the shadow is up; true once it is the machine's system, false after <paramref name="limit"/>. <paramref name="findsDevices"/>: after the
    /// switch the caller will have the kernel look for devices; else Hv does.
    /// </summary>
    /// <exception cref="ControlException">This system is no shadow.</exception>
    public bool Ready(TimeSpan limit, bool findsDevices)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.Ready, (uint)limit.TotalMilliseconds, findsDevices ? ControlOpcode.ReadyFindsDevices : 0), []);
        Check(reply);
        return reply.Result == ControlOpcode.ReadyPromoted;
    }

    /// <summary>Switches to the shadow, <paramref name="withoutJournal"/> too if it must be. If that works, this does not return: the system is gone.</summary>
    public void Switch(bool withoutJournal) =>
        Check(port.Send(new AdminCommand(ControlOpcode.Switch, withoutJournal ? ControlOpcode.SwitchWithoutJournal : 0), []));

    /// <summary>Has Hv look for the journal's partition.</summary>
    public void FindJournal() => Check(port.Send(new AdminCommand(ControlOpcode.FindJournal), []));

    /// <summary>Changes a setting of Hv (<see cref="ControlOpcode.Configure"/>).</summary>
    public void Configure(uint setting, uint value) => Check(port.Send(new AdminCommand(ControlOpcode.Configure, setting, value), []));

    /// <summary>Throws the shadow away.</summary>
    public void Abort() => Check(port.Send(new AdminCommand(ControlOpcode.Abort), []));

    /// <summary>In a shadow: it is not fit for use. Hv throws it away; <paramref name="message"/> is for the user of the primary.</summary>
    public void Fail(ControlFailure failure, string message)
    {
        byte[] text = new byte[StatusBlock.MessageLength];
        Encoding.ASCII.GetBytes(message.Length > text.Length ? message[..text.Length] : message, text);
        Check(port.Send(new AdminCommand(ControlOpcode.Fail, (uint)failure), text));
    }

    /// <summary>Reads the shadow's serial log from <paramref name="offset"/>; gives how many bytes were there, null if the log begins later by now.</summary>
    public int? ReadLog(ulong offset, Span<byte> bytes)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.ReadLog, (uint)offset, (uint)(offset >> 32)), bytes);
        if (reply.Status == NvmeStatus.InvalidField)
            return null;
        Check(reply);
        return (int)Math.Min(reply.Result, (uint)bytes.Length);
    }

    /// <summary>Reads the shadow's frame buffer from <paramref name="offset"/>; gives how many bytes were there, 0 at the end.</summary>
    public int ReadScreen(ulong offset, Span<byte> bytes)
    {
        AdminReply reply = port.Send(new AdminCommand(ControlOpcode.ReadScreen, (uint)offset, (uint)(offset >> 32)), bytes);
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
