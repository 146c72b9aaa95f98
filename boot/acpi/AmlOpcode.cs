namespace Hv.Boot.Acpi;

/// <summary>Encodings of ACPI Machine Language (ACPI 6.5, 20.2 and 20.3).</summary>
internal static class AmlOpcode
{
    /// <summary>Integers (20.2.3).</summary>
    public const byte Zero = 0x00, One = 0x01, BytePrefix = 0x0A, WordPrefix = 0x0B, DWordPrefix = 0x0C, QWordPrefix = 0x0E, Ones = 0xFF;
    /// <summary>A string, and what has a length (20.2.3, 20.2.5.4).</summary>
    public const byte StringPrefix = 0x0D, Buffer = 0x11, Package = 0x12, VarPackage = 0x13;
    /// <summary>Definitions (20.2.5.1, 20.2.5.2).</summary>
    public const byte Name = 0x08, Scope = 0x10, Method = 0x14, ExtendedPrefix = 0x5B, Device = 0x82;
    /// <summary>Notify (20.2.5.3).</summary>
    public const byte Notify = 0x86;
    /// <summary>Name strings (20.2.2).</summary>
    public const byte RootPrefix = (byte)'\\', ParentPrefix = (byte)'^', DualName = 0x2E, MultiName = 0x2F;
}
