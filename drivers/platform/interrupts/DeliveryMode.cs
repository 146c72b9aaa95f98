namespace Hv.Drivers.Platform;

/// <summary>What an interrupt message does (Intel SDM vol. 3A, 10.5.1 and 10.11.2; 82093AA, 3.2.4).</summary>
public enum DeliveryMode : byte
{
    /// <summary>Requests the vector.</summary>
    Fixed = 0,
    /// <summary>Requests the vector at the processor of lowest priority among those that are meant.</summary>
    LowestPriority = 1,
    /// <summary>System management interrupt.</summary>
    Smi = 2,
    /// <summary>Reserved.</summary>
    Reserved = 3,
    /// <summary>Non-maskable interrupt.</summary>
    Nmi = 4,
    /// <summary>INIT.</summary>
    Init = 5,
    /// <summary>Start-up (ICR only).</summary>
    StartUp = 6,
    /// <summary>The 8259 supplies the vector.</summary>
    ExtInt = 7,
}
