using System;
using Hv.Drivers.Control;
using Hv.Drivers.Platform;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Vm;
using Hv.Shadow.Machine;

namespace Hv.Shadow.Control;

/// <summary>Carries out the control commands that one VM's administrator sends through the virtual disk controller (DESIGN D11).</summary>
/// <remarks>
/// Runs on the VM's processor, within the exit that rang the doorbell. Whatever changes the machine is only noted here; the
/// processor's loop does it between exits.
/// </remarks>
public sealed unsafe class ControlCommands : VendorCommands
{
    private const int PieceBytes = 256;
    private const int MaxWaiting = 8;
    private const ulong NanosecondsPerMillisecond = 1_000_000;

    private readonly HvMachine _machine;
    private readonly GuestVm _vm;
    private readonly StatusReport _report;
    private readonly VendorCommand?[] _waiting = new VendorCommand?[MaxWaiting];
    private readonly ulong[] _deadlines = new ulong[MaxWaiting];

    /// <summary>For <paramref name="vm"/>. While booting only.</summary>
    public ControlCommands(HvMachine machine, GuestVm vm, StatusReport report)
    {
        _machine = machine;
        _vm = vm;
        _report = report;
    }

    /// <summary>Whether a command waits for something to happen.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>When <see cref="Poll"/> has something to answer even if nothing happens, ns; all ones: never.</summary>
    public ulong NextDeadline { get; private set; } = ulong.MaxValue;

    /// <inheritdoc/>
    public override void Execute(VendorCommand command)
    {
        if (command.Command.Dword11 != 0)
        {
            Answer(command, NvmeStatus.InvalidField | NvmeStatus.DoNotRetry);
            return;
        }
        switch (command.Command.Opcode)
        {
            case ControlOpcode.Start:
                Start(command);
                break;
            case ControlOpcode.Status:
                SendStatus(command);
                break;
            case ControlOpcode.Ready:
                Ready(command);
                break;
            case ControlOpcode.WaitChange:
                if (_machine.Reboot.Sequence != command.Command.Dword12)
                    SendStatus(command);
                else
                    Wait(command, command.Command.Dword13);
                break;
            case ControlOpcode.Switch:
                AnswerOrWait(command, ForPrimary(out ushort refused) ? _machine.AskSwitch((command.Command.Dword12 & ControlOpcode.SwitchWithoutJournal) != 0) : refused);
                break;
            case ControlOpcode.Abort:
                AnswerOrWait(command, ForPrimary(out refused) ? _machine.AskAbort() : refused);
                break;
            case ControlOpcode.ReadLog:
                ReadLog(command);
                break;
            case ControlOpcode.ReadScreen:
                ReadScreen(command);
                break;
            case ControlOpcode.Fail:
                Fail(command);
                break;
            case ControlOpcode.FindJournal:
                Answer(command, ForPrimary(out refused) ? _machine.AskFindJournal() : refused);
                break;
            case ControlOpcode.Configure:
                Answer(command, ForPrimary(out refused) ? Configure(command) : refused);
                break;
            case ControlOpcode.SetData:
                Answer(command, ForPrimary(out refused) ? _machine.SetData(command.Data) : refused);
                break;
            case ControlOpcode.ReleaseLastView:
                Answer(command, ForPrimary(out refused) ? _machine.AskReleaseLastView() : refused);
                break;
            default:
                Answer(command, NvmeStatus.InvalidOpcode | NvmeStatus.DoNotRetry);
                break;
        }
    }

    /// <inheritdoc/>
    public override void Cancel(VendorCommand command)
    {
        for (int i = 0; i < MaxWaiting; i++)
        {
            if (_waiting[i] == command)
                _waiting[i] = null;
        }
        Recount();
    }

    /// <inheritdoc/>
    /// <remarks>The command that made the fork says in the shadow that it is one; what else waited in the primary has no meaning here.</remarks>
    public override void Adopt(VendorCommand command)
    {
        if (command.Command.Opcode == ControlOpcode.Start)
            command.Complete(NvmeStatus.Success, ControlOpcode.StartedShadow);
        else
            Answer(command, NvmeStatus.AbortRequested);
    }

    /// <summary>A shadow has been forked from this VM: the command that asked for it is answered.</summary>
    public void Forked()
    {
        for (int i = 0; i < MaxWaiting; i++)
        {
            VendorCommand? command = _waiting[i];
            if (command == null || command.Command.Opcode != ControlOpcode.Start)
                continue;
            Release(i);
            command.Complete(NvmeStatus.Success, ControlOpcode.StartedPrimary);
        }
    }

    /// <summary>The phase has changed: those who wait for that are answered.</summary>
    public void PhaseChanged()
    {
        for (int i = 0; i < MaxWaiting; i++)
        {
            VendorCommand? command = _waiting[i];
            if (command == null)
                continue;
            switch (command.Command.Opcode)
            {
                case ControlOpcode.WaitChange:
                    Release(i);
                    SendStatus(command);
                    break;
                case ControlOpcode.Abort when !_machine.ShadowRuns:
                    Release(i);
                    Answer(command, NvmeStatus.Success);
                    break;
                case ControlOpcode.Start when _machine.Reboot.Phase == ControlPhase.Failed:
                    Release(i);
                    Answer(command, ControlStatus.StartFailed);
                    break;
                case ControlOpcode.Switch when _machine.Reboot.Phase == ControlPhase.Failed:
                    Release(i);
                    Answer(command, ControlStatus.SwitchFailed);
                    break;
            }
        }
    }

    /// <summary>This VM has become the machine's system: what waited for that in it is answered.</summary>
    public void Promoted()
    {
        for (int i = 0; i < MaxWaiting; i++)
        {
            VendorCommand? command = _waiting[i];
            if (command == null || command.Command.Opcode != ControlOpcode.Ready)
                continue;
            Release(i);
            command.Complete(NvmeStatus.Success, ControlOpcode.ReadyPromoted);
        }
        PhaseChanged();
    }

    /// <summary>Answers those whose time is over.</summary>
    public void Poll()
    {
        if (!IsWaiting)
            return;
        ulong now = _machine.Time.Nanoseconds;
        for (int i = 0; i < MaxWaiting; i++)
        {
            VendorCommand? command = _waiting[i];
            if (command == null || now < _deadlines[i])
                continue;
            Release(i);
            if (command.Command.Opcode == ControlOpcode.Ready)
                command.Complete(NvmeStatus.Success, ControlOpcode.ReadyWaiting);
            else
                SendStatus(command);
        }
    }

    private bool ForPrimary(out ushort refused)
    {
        refused = _vm.IsShadow ? ControlStatus.NotPrimary : NvmeStatus.Success;
        return !_vm.IsShadow;
    }

    private void Start(VendorCommand command)
    {
        var options = new StartOptions(command.Command.Dword12, command.Command.Dword13, command.Command.Dword14);
        if (options.HasUnknownFlags)
        {
            Answer(command, NvmeStatus.InvalidField | NvmeStatus.DoNotRetry);
            return;
        }
        if (ForPrimary(out ushort refused))
            refused = _machine.AskStart(in options);
        if (options.IsCold)
            Answer(command, refused);
        else
            AnswerOrWait(command, refused);
    }

    private void Ready(VendorCommand command)
    {
        if (_vm.WasPromoted)
        {
            command.Complete(NvmeStatus.Success, ControlOpcode.ReadyPromoted);
            return;
        }
        if (!_vm.IsShadow)
        {
            Answer(command, ControlStatus.NotShadow);
            return;
        }
        _machine.ShadowIsReady((command.Command.Dword13 & ControlOpcode.ReadyFindsDevices) != 0);
        Wait(command, command.Command.Dword12);
    }

    private void SendStatus(VendorCommand command)
    {
        ReadOnlySpan<byte> block = _report.Fill(_machine, _vm);
        int bytes = (int)Math.Min(command.Data.Length, (uint)block.Length);
        bool written = bytes == 0 || command.Data.TryWrite(0, block.Slice(0, bytes));
        Answer(command, written ? NvmeStatus.Success : NvmeStatus.DataTransferError);
    }

    private void ReadLog(VendorCommand command)
    {
        SerialLog log = _machine.ShadowLog;
        ulong offset = OffsetOf(command);
        if (_vm.IsShadow || offset < log.Oldest || offset > log.Written)
            Answer(command, NvmeStatus.InvalidField | NvmeStatus.DoNotRetry);
        else
            Send(command, offset, isScreen: false);
    }

    private void ReadScreen(VendorCommand command)
    {
        if (_vm.IsShadow)
            Answer(command, NvmeStatus.InvalidField | NvmeStatus.DoNotRetry);
        else
            Send(command, OffsetOf(command), isScreen: true);
    }
    // As much as there is, or as the command has room for; the result is how much.
    private void Send(VendorCommand command, ulong offset, bool isScreen)
    {
        Span<byte> piece = stackalloc byte[PieceBytes];
        uint done = 0;
        while (done < command.Data.Length)
        {
            Span<byte> part = piece.Slice(0, (int)Math.Min(command.Data.Length - done, PieceBytes));
            int read = isScreen ? _machine.Screen.Read(offset + done, part) : _machine.ShadowLog.Read(offset + done, part);
            if (read == 0)
                break;
            if (!command.Data.TryWrite(done, part.Slice(0, read)))
            {
                Answer(command, NvmeStatus.DataTransferError);
                return;
            }
            done += (uint)read;
        }
        command.Complete(NvmeStatus.Success, done);
    }

    private static ulong OffsetOf(VendorCommand command) => command.Command.Dword12 | (ulong)command.Command.Dword13 << 32;

    private void Fail(VendorCommand command)
    {
        var failure = (ControlFailure)command.Command.Dword12;
        uint length = command.Data.Length;
        if (failure is not (ControlFailure.EmergencyMode or ControlFailure.FailedUnit or ControlFailure.Rejected) || length > StatusBlock.MessageLength)
        {
            Answer(command, NvmeStatus.InvalidField | NvmeStatus.DoNotRetry);
            return;
        }
        if (!_vm.IsShadow)
        {
            Answer(command, ControlStatus.NotShadow);
            return;
        }
        Span<byte> text = stackalloc byte[StatusBlock.MessageLength];
        text = text.Slice(0, (int)length);
        if (!command.Data.TryRead(0, text))
        {
            Answer(command, NvmeStatus.DataTransferError);
            return;
        }
        _machine.ShadowFailed(failure, text);
        Answer(command, NvmeStatus.Success);
    }

    private ushort Configure(VendorCommand command) => command.Command is { Dword12: ControlOpcode.SettingFastReboot, Dword13: <= 1 }
        ? _machine.SetFastReboot(command.Command.Dword13 != 0) : (ushort)(NvmeStatus.InvalidField | NvmeStatus.DoNotRetry);

    private static void Answer(VendorCommand command, ushort status) => command.Complete(status, 0);

    private void AnswerOrWait(VendorCommand command, ushort refused)
    {
        if (refused != NvmeStatus.Success)
            Answer(command, refused);
        else
            Wait(command, uint.MaxValue);
    }

    private void Wait(VendorCommand command, uint milliseconds)
    {
        for (int i = 0; i < MaxWaiting; i++)
        {
            if (_waiting[i] != null)
                continue;
            _waiting[i] = command;
            _deadlines[i] = milliseconds == uint.MaxValue ? ulong.MaxValue : _machine.Time.Nanoseconds + milliseconds * NanosecondsPerMillisecond;
            Recount();
            _machine.NeedsAttention = true;
            return;
        }
        Answer(command, ControlStatus.Busy);
    }

    private void Release(int index)
    {
        _waiting[index] = null;
        Recount();
    }

    private void Recount()
    {
        IsWaiting = false;
        NextDeadline = ulong.MaxValue;
        for (int i = 0; i < MaxWaiting; i++)
        {
            if (_waiting[i] == null)
                continue;
            IsWaiting = true;
            NextDeadline = Math.Min(NextDeadline, _deadlines[i]);
        }
    }
}
