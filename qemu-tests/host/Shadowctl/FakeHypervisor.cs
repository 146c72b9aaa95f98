using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Hv.Drivers.Control;
using Hv.ShadowControl;

namespace Hv.HostTests.Shadowctl;

/// <summary>Answers control commands as Hv does, with a shadow that goes through given phases.</summary>
internal sealed class FakeHypervisor(FakeSystem system) : IAdminPort
{
    private readonly Queue<(TimeSpan At, ControlPhase Phase)> _plan = [];
    private StatusBlock _status = new()
    {
        Magic = StatusBlock.ExpectedMagic,
        Version = StatusBlock.CurrentVersion,
        Length = StatusBlock.Size,
        Role = ControlRole.Primary,
        Journal = ControlJournal.Idle,
    };

    public ref StatusBlock Status => ref _status;

    /// <summary>What follows after Start, and how long after it.</summary>
    public List<(double Seconds, ControlPhase Phase)> AfterStart { get; } = [];

    /// <summary>When the switch comes, seen from the shadow.</summary>
    public TimeSpan? PromotionAt { get; set; }

    /// <summary>What every command but Status is refused with, by opcode.</summary>
    public Dictionary<byte, ushort> Refusals { get; } = [];

    public string Log { get; set; } = "";
    /// <summary>The shadow's frame buffer.</summary>
    public byte[] Screen { get; set; } = [];

    public uint Share { get; private set; }
    public uint StartFlags { get; private set; }
    public uint ReadyFlags { get; private set; }

    public uint SwitchFlags { get; private set; }
    public uint TimeLimit { get; private set; }
    public string FailMessage { get; private set; } = "";

    /// <summary>What the shadow sends to its console with each wait of the primary.</summary>
    public Queue<string> Console { get; } = [];

    /// <summary>What happens while a change is waited for.</summary>
    public Action? AtWait { get; set; }

    /// <summary>The last data table.</summary>
    public byte[] Data { get; private set; } = [];
    public bool Cold => (StartFlags & ControlOpcode.StartCold) != 0;

    /// <summary>The commands are sent in the fork.</summary>
    public bool IsFork { get; set; }

    public void Enter(ControlPhase phase)
    {
        _status.Phase = phase;
        _status.Sequence++;
    }

    public void Plan(TimeSpan delay, ControlPhase phase) => _plan.Enqueue((system.Uptime + delay, phase));

    public AdminReply Send(AdminCommand command, Span<byte> data)
    {
        Assert(data.Length % 4 == 0 && (command.Opcode & 3) == (data.Length == 0 ? 0 : command.Opcode is ControlOpcode.Fail or ControlOpcode.SetData ? 1 : 2));
        if (Refusals.TryGetValue(command.Opcode, out ushort refusal))
            return new AdminReply(refusal, 0);
        Advance();
        switch (command.Opcode)
        {
            case ControlOpcode.Start:
                system.Calls.Add("start");
                Share = command.Dword12;
                TimeLimit = command.Dword14;
                StartFlags = command.Dword13;
                if (IsFork)
                    return new AdminReply(0, ControlOpcode.StartedShadow);
                Enter(ControlPhase.Preparing);
                foreach ((double seconds, ControlPhase phase) in AfterStart)
                    Plan(TimeSpan.FromSeconds(seconds), phase);
                return default;
            case ControlOpcode.SetData:
                Data = data.ToArray();
                return default;
            case ControlOpcode.ReleaseLastView:
                system.Calls.Add("release");
                _status.LastView = LastViewState.None;
                return default;
            case ControlOpcode.WaitChange:
                AtWait?.Invoke();
                if (Console.TryDequeue(out string? more))
                    Log += more;
                TimeSpan end = system.Uptime + TimeSpan.FromMilliseconds(command.Dword13);
                while (_status.Sequence == command.Dword12 && system.Uptime < end)
                {
                    system.Uptime += TimeSpan.FromMilliseconds(10);
                    Advance();
                }
                goto case ControlOpcode.Status;
            case ControlOpcode.Status:
                _status.LogEnd = _status.LogStart + (ulong)Log.Length;
                MemoryMarshal.Write(data, in _status);
                return default;
            case ControlOpcode.Ready:
                TimeSpan slice = TimeSpan.FromMilliseconds(command.Dword12);
                if (_status.Role == ControlRole.Shadow && PromotionAt is { } at)
                {
                    TimeSpan wait = at - system.Uptime;
                    system.Uptime += wait < slice ? wait : slice;
                    if (system.Uptime >= at)
                        _status.Role = ControlRole.Promoted;
                }
                ReadyFlags = command.Dword13;
                system.Calls.Add("ready");
                return new AdminReply(0, _status.Role == ControlRole.Promoted ? ControlOpcode.ReadyPromoted : ControlOpcode.ReadyWaiting);
            case ControlOpcode.Switch:
                system.Calls.Add("switch");
                SwitchFlags = command.Dword12;
                return default;
            case ControlOpcode.FindJournal:
                system.Calls.Add("find journal");
                _status.Journal = ControlJournal.Idle;
                return default;
            case ControlOpcode.Configure:
                system.Calls.Add($"configure {command.Dword12} {command.Dword13}");
                return default;
            case ControlOpcode.Abort:
                system.Calls.Add("abort");
                Enter(ControlPhase.Failed);
                return default;
            case ControlOpcode.ReadLog:
                if (command.Dword12 < _status.LogStart)
                    return new AdminReply(2, 0);
                int offset = (int)(command.Dword12 - _status.LogStart);
                int count = Math.Min(data.Length, Log.Length - offset);
                System.Text.Encoding.Latin1.GetBytes(Log.AsSpan(offset, count), data);
                return new AdminReply(0, (uint)count);
            case ControlOpcode.ReadScreen:
                ReadOnlySpan<byte> rest = Screen.AsSpan((int)Math.Min(command.Dword12, (uint)Screen.Length));
                rest = rest[..Math.Min(rest.Length, data.Length)];
                rest.CopyTo(data);
                return new AdminReply(0, (uint)rest.Length);
            case ControlOpcode.Fail:
                system.Calls.Add("fail");
                _status.Failure = (ControlFailure)command.Dword12;
                FailMessage = Names.Text(data);
                Enter(ControlPhase.Failed);
                return default;
            default:
                return new AdminReply(1, 0);
        }
    }

    public void Dispose() => system.Calls.Add("close");

    private void Advance()
    {
        while (_plan.TryPeek(out (TimeSpan At, ControlPhase Phase) next) && next.At <= system.Uptime)
            Enter(_plan.Dequeue().Phase);
    }

    private static void Assert(bool condition)
    {
        if (!condition)
            throw new InvalidOperationException("The data does not go with the opcode.");
    }
}
