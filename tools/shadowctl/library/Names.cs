using System;
using System.Collections.Generic;
using System.Text;
using Hv.Drivers.Control;

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

    /// <summary>Why the shadow failed, as a sentence.</summary>
    public static string Explain(ControlFailure failure) => failure switch
    {
        ControlFailure.Aborted => "The shadow was aborted.",
        ControlFailure.OutOfMemory => "Hv's memory pool is too small for the shadow.",
        ControlFailure.Crashed => "The shadow crashed while it booted.",
        ControlFailure.PoweredOff => "The shadow turned itself off.",
        ControlFailure.Unsupported => "The shadow did something that Hv does not support.",
        ControlFailure.DiskError => "The disk reported an error.",
        ControlFailure.DeviceNotQuiet => "A device could not be quiesced.",
        _ => "The shadow failed.",
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
        ControlStatus.Unavailable => "This machine cannot have a shadow.",
        ControlStatus.SwitchFailed => "The switch failed and was undone.",
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
