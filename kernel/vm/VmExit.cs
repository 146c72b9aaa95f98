namespace Hv.Kernel.Vm;

/// <summary>One exit, as the back-end reports it. Only the fields that belong to the reason are set.</summary>
public struct VmExit
{
    /// <summary>Why.</summary>
    public ExitReason Reason;
    /// <summary>Bytes of the instruction that exited, 0 if the processor does not say.</summary>
    public byte InstructionLength;
    /// <summary>Nested page fault: the access was a write.</summary>
    public bool IsWrite;
    /// <summary>Nested page fault: the access was an instruction fetch.</summary>
    public bool IsFetch;
    /// <summary>Port access: IN rather than OUT.</summary>
    public bool IsInput;
    /// <summary>Port access: INS or OUTS.</summary>
    public bool IsString;
    /// <summary>Port access: 1, 2 or 4 bytes.</summary>
    public byte Size;
    /// <summary>Port access: the port.</summary>
    public ushort Port;
    /// <summary>Nested page fault: the address.</summary>
    public GuestPhysical Address;
    /// <summary>The processor's own exit number.</summary>
    public ulong Code;
    /// <summary>The processor's own detail (exit qualification, EXITINFO1; of an exception its error code).</summary>
    public ulong Detail;
}
