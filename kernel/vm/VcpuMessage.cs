using System;

namespace Hv.Kernel.Vm;

/// <summary>What one virtual processor sends another through Hv, rather than through the real local APIC.</summary>
[Flags]
public enum VcpuMessage
{
    /// <summary>INIT.</summary>
    Init = 1 << 0,
    /// <summary>Start-up; a vector goes with it.</summary>
    StartUp = 1 << 1,
}
