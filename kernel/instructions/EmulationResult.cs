namespace Hv.Kernel.Instructions;

/// <summary>What became of an instruction that was carried out in software.</summary>
public enum EmulationResult : byte
{
    /// <summary>Done: RIP is that of the next instruction.</summary>
    Completed = 0,
    /// <summary>A string instruction has more to do: RIP still points to it. Enter the guest again.</summary>
    Repeat,
    /// <summary>The guest must get a page fault; address and error code are given. Nothing has changed beyond whole iterations.</summary>
    PageFault,
    /// <summary>This cannot be carried out (unknown instruction, an operand across pages, device to device). Nothing has changed.</summary>
    Unsupported,
}
