namespace Hv.Kernel.Vm;

/// <summary>What becomes of an exception that is raised while another one is being delivered (SDM vol. 3, table 7-5; APM vol. 2, 8.2.9).</summary>
public enum DoubleFaultOutcome : byte
{
    /// <summary>It is delivered by itself.</summary>
    Serial,
    /// <summary>Both become #DF.</summary>
    DoubleFault,
    /// <summary>The processor shuts down.</summary>
    Shutdown,
}
