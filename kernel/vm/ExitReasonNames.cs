using System;

namespace Hv.Kernel.Vm;

/// <summary>Names of exit reasons for people and programs: ASCII, at most 16 characters.</summary>
public static class ExitReasonNames
{
    /// <summary>The name of a reason.</summary>
    public static ReadOnlySpan<byte> Of(ExitReason reason) => reason switch
    {
        ExitReason.Cpuid => "cpuid"u8,
        ExitReason.MsrRead => "msr_read"u8,
        ExitReason.MsrWrite => "msr_write"u8,
        ExitReason.PortAccess => "port"u8,
        ExitReason.NestedPageFault => "nested_fault"u8,
        ExitReason.Halt => "halt"u8,
        ExitReason.MonitorWait => "mwait"u8,
        ExitReason.Monitor => "monitor"u8,
        ExitReason.Xsetbv => "xsetbv"u8,
        ExitReason.Hypercall => "hypercall"u8,
        ExitReason.VirtualizationInstruction => "vm_instruction"u8,
        ExitReason.InvalidateCaches => "invd"u8,
        ExitReason.ExternalInterrupt => "interrupt"u8,
        ExitReason.NonMaskableInterrupt => "nmi"u8,
        ExitReason.InterruptWindow => "interrupt_window"u8,
        ExitReason.TimerExpired => "timer"u8,
        ExitReason.TripleFault => "triple_fault"u8,
        ExitReason.Init => "init"u8,
        ExitReason.ControlRegister => "control_register"u8,
        ExitReason.TaskPriority => "task_priority"u8,
        ExitReason.TaskSwitch => "task_switch"u8,
        ExitReason.GeneralProtection => "gp"u8,
        ExitReason.LostInterruptShadow => "sti_shadow"u8,
        ExitReason.EntryFailed => "entry_failed"u8,
        _ => "unknown"u8,
    };
}
