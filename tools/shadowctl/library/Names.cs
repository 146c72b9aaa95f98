using System;
using System.Collections.Generic;
using System.Text;
using Hv.Drivers.Control;
using Hv.Drivers.Nvme.Spec;

namespace Hv.ShadowControl;

/// <summary>The words for what Hv says in numbers.</summary>
public static class Names
{
    /// <summary>A phase, as one word.</summary>
    public static string Of(ControlPhase phase) => phase switch
    {
        ControlPhase.Idle => "idle",
        ControlPhase.Preparing => "preparing",
        ControlPhase.Booting => "booting",
        ControlPhase.Ready => "ready",
        ControlPhase.Switching => "switching",
        ControlPhase.Settling => "settling",
        ControlPhase.Failed => "failed",
        ControlPhase.Stopping => "stopping",
        _ => "unknown",
    };

    /// <summary>A role, as one word.</summary>
    public static string Of(ControlRole role) => role switch
    {
        ControlRole.Primary => "primary",
        ControlRole.Shadow => "shadow",
        ControlRole.Promoted => "promoted",
        _ => "unknown",
    };

    /// <summary>A failure, as one word.</summary>
    public static string Of(ControlFailure failure) => failure switch
    {
        ControlFailure.None => "none",
        ControlFailure.Aborted => "aborted",
        ControlFailure.OutOfMemory => "out_of_memory",
        ControlFailure.Crashed => "crashed",
        ControlFailure.PoweredOff => "powered_off",
        ControlFailure.Unsupported => "unsupported",
        ControlFailure.DiskError => "disk_error",
        ControlFailure.DeviceNotQuiet => "device_not_quiet",
        ControlFailure.JournalError => "journal_error",
        ControlFailure.KernelPanic => "kernel_panic",
        ControlFailure.Halted => "halted",
        ControlFailure.TimedOut => "timed_out",
        ControlFailure.Restarted => "restarted",
        ControlFailure.EmergencyMode => "emergency_mode",
        ControlFailure.FailedUnit => "failed_unit",
        ControlFailure.Rejected => "rejected",
        ControlFailure.Suspended => "suspended",
        _ => "unknown",
    };

    /// <summary>What has become of the last view of the disk, as one word.</summary>
    public static string Of(LastViewState state) => state switch
    {
        LastViewState.None => "none",
        LastViewState.Present => "present",
        LastViewState.Lost => "lost",
        _ => "unknown",
    };

    /// <summary>What has become of DMA remapping, as one word.</summary>
    public static string Of(RemappingState state) => state switch
    {
        RemappingState.None => "none",
        RemappingState.Vtd => "vtd",
        RemappingState.AmdVi => "amdvi",
        RemappingState.Busy => "busy",
        RemappingState.Unusable => "unusable",
        _ => "unknown",
    };

    /// <summary>A moment of the switch, as one word.</summary>
    public static string Of(SwitchMark mark) => mark switch
    {
        SwitchMark.Requested => "requested",
        SwitchMark.PrimaryStopped => "primary_stopped",
        SwitchMark.DiskDrained => "disk_drained",
        SwitchMark.DevicesQuiesced => "devices_quiesced",
        SwitchMark.DiskCommitted => "disk_committed",
        SwitchMark.PlatformCommitted => "platform_committed",
        SwitchMark.ShadowEntered => "shadow_entered",
        SwitchMark.Settled => "settled",
        _ => "unknown",
    };

    /// <summary>What the journal is good for, as one word.</summary>
    public static string Of(ControlJournal journal) => journal switch
    {
        ControlJournal.Absent => "absent",
        ControlJournal.Idle => "idle",
        ControlJournal.Open => "open",
        ControlJournal.Committed => "committed",
        ControlJournal.TooSmall => "too_small",
        ControlJournal.Failed => "failed",
        _ => "unknown",
    };

    /// <summary>Why the shadow failed, as a sentence.</summary>
    public static string Explain(ControlFailure failure) => failure switch
    {
        ControlFailure.Aborted => "The shadow was aborted.",
        ControlFailure.OutOfMemory => "Hv's memory pool is too small for the shadow.",
        ControlFailure.Crashed => "The shadow crashed (triple fault).",
        ControlFailure.PoweredOff => "The shadow turned itself off instead of coming up.",
        ControlFailure.Unsupported => "The shadow did something that Hv does not support.",
        ControlFailure.DiskError => "The disk reported an error.",
        ControlFailure.DeviceNotQuiet => "A device could not be quiesced.",
        ControlFailure.JournalError => "The journal could not be written.",
        ControlFailure.KernelPanic => "The shadow's kernel panicked.",
        ControlFailure.Halted => "The shadow hung: its processor halted with interrupts off.",
        ControlFailure.TimedOut => "The shadow was not ready within its time limit.",
        ControlFailure.Restarted => "The shadow restarted instead of coming up.",
        ControlFailure.EmergencyMode => "The shadow came up in emergency or rescue mode.",
        ControlFailure.FailedUnit => "A unit that must run failed in the shadow.",
        ControlFailure.Rejected => "The shadow reported that it is not fit for use.",
        ControlFailure.Suspended => "The machine was suspended to RAM.",
        _ => "The shadow failed.",
    };

    /// <summary>What the user can do about it, as a sentence; empty if there is nothing to do.</summary>
    public static string Advice(ControlFailure failure) => failure switch
    {
        ControlFailure.None or ControlFailure.Aborted => "",
        ControlFailure.Suspended => "Start it again.",
        ControlFailure.OutOfMemory => "Give Hv more memory, or stop what uses much of it while the system boots.",
        ControlFailure.DiskError or ControlFailure.DeviceNotQuiet => "Look at this system's kernel log for the device, then try again.",
        ControlFailure.Unsupported => "See 'shadowctl log'; an ordinary reboot may do.",
        ControlFailure.TimedOut => "See 'shadowctl log' for how far it came; give it more time with --timeout, or undo the update before the next reboot.",
        ControlFailure.FailedUnit => "Mend or undo the update before the next reboot, or take the unit off failed-units in /etc/shadowreboot.conf.",
        _ => "See 'shadowctl log', and mend or undo the update before the next reboot: an ordinary one would end the same way.",
    };

    /// <summary>Why Hv refused a command, as a sentence.</summary>
    public static string Refusal(ushort status) => status switch
    {
        ControlStatus.ShadowExists => "There is a shadow already.",
        ControlStatus.NoShadow => "There is no shadow.",
        ControlStatus.NotReady => "The shadow is not ready.",
        ControlStatus.NotPrimary => "This is the shadow; only the primary may do this.",
        ControlStatus.NotShadow => "This system is not a shadow.",
        ControlStatus.NoMemory => "Hv's memory pool is too small for a shadow.",
        ControlStatus.Busy => "A switch is being made, or the machine is settling after one.",
        NvmeStatus.InvalidOpcode => "This Hv is too old for that command.",
        ControlStatus.Unavailable => "This machine cannot have a shadow.",
        ControlStatus.SwitchFailed => "The switch failed and was undone.",
        ControlStatus.StartFailed => "The fork failed; 'shadowctl status' says why.",
        ControlStatus.NoJournal => "There is no journal that can be used: a switch is not safe against power loss. 'shadowctl setup' makes a journal; '--no-journal' goes without.",
        ControlStatus.JournalTooSmall => "The journal is too small for what the shadow has written: a switch is not safe against power loss. '--no-journal' goes without it.",
        _ => $"Hv refused the command with NVMe status {status:X3}h.",
    };

    /// <summary>The ways to reset a device (drivers/quiesce/ResetMethod.cs) as one word.</summary>
    public static string ResetMethod(byte method) => method switch
    {
        0 => "none",
        1 << 0 => "function_level",
        1 << 1 => "advanced_features",
        1 << 2 => "power_state",
        1 << 3 => "secondary_bus",
        1 << 4 => "device",
        _ => "unknown",
    };

    /// <summary>A set of ways to reset a device, one word each, best first.</summary>
    public static IReadOnlyList<string> ResetMethods(byte set)
    {
        var names = new List<string>();
        for (int bit = 1; bit <= byte.MaxValue; bit <<= 1)
        {
            if ((set & bit) != 0)
                names.Add(ResetMethod((byte)bit));
        }
        return names;
    }

    /// <summary>The class of a PCI device (PCI Code and ID Assignment 1.11, 1), base class in bits 15:8.</summary>
    public static string PciClass(ushort code) => (code >> 8) switch
    {
        0x01 => "storage",
        0x02 => "network",
        0x03 => "display",
        0x04 => "multimedia",
        0x05 => "memory",
        0x07 => "communication",
        0x08 => "system",
        0x09 => "input",
        0x0C => (code & 0xFF) == 0x03 ? "USB" : "serial bus",
        0x0D => "wireless",
        _ => $"class {code:x4}",
    };

    /// <summary>A PCI address, as <c>lspci</c> writes it.</summary>
    public static string PciAddress(ushort address) => $"{address >> 8:x2}:{(address >> 3) & 31:x2}.{address & 7}";

    /// <summary>ASCII up to the first zero.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
