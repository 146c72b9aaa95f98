namespace Hv.Drivers.Nvme.Spec;

/// <summary>Feature identifiers (NVM Express 1.4, figure 271).</summary>
public static class NvmeFeature
{
    /// <summary>Arbitration (5.21.1.1).</summary>
    public const byte Arbitration = 0x01;
    /// <summary>Power management (5.21.1.2).</summary>
    public const byte PowerManagement = 0x02;
    /// <summary>LBA range type (5.21.1.3).</summary>
    public const byte LbaRangeType = 0x03;
    /// <summary>Temperature threshold (5.21.1.4).</summary>
    public const byte TemperatureThreshold = 0x04;
    /// <summary>Error recovery (5.21.1.5).</summary>
    public const byte ErrorRecovery = 0x05;
    /// <summary>Volatile write cache (5.21.1.6).</summary>
    public const byte VolatileWriteCache = 0x06;
    /// <summary>Number of queues (5.21.1.7).</summary>
    public const byte NumberOfQueues = 0x07;
    /// <summary>Interrupt coalescing (5.21.1.8).</summary>
    public const byte InterruptCoalescing = 0x08;
    /// <summary>Interrupt vector configuration (5.21.1.9).</summary>
    public const byte InterruptVectorConfiguration = 0x09;
    /// <summary>Write atomicity normal (5.21.1.10).</summary>
    public const byte WriteAtomicity = 0x0A;
    /// <summary>Asynchronous event configuration (5.21.1.11).</summary>
    public const byte AsyncEventConfiguration = 0x0B;
}
