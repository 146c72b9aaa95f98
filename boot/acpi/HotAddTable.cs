using System;
using System.Buffers.Binary;

namespace Hv.Boot.Acpi;

/// <summary>
/// The SSDT by which an OS without Hv's agent finds the passed-through devices after a switch: a general purpose event whose method has it look
/// at the buses again, and an object for every PCI device of the first bus that the firmware has not described (Linux looks only where the namespace
/// has one).
/// </summary>
/// <remarks>
/// <code>
/// Scope (\_GPE) { Method (_E3F) { Notify (\_SB.PCI0, 0) } }
/// Scope (\_SB.PCI0) { Device (HV03) { Name (_ADR, 0x00030000) } }
/// </code>
/// </remarks>
public static class HotAddTable
{
    /// <summary>Enough for every such table.</summary>
    public const int MaxBytes = 2048;

    private const int RevisionOffset = 8, OemOffset = 10;
    // Integers have 64 bits from revision 2 on.
    private const byte Revision = 2;
    private const uint Events = 0x4550_475F, Address = 0x5244_415F; // _GPE, _ADR
    private const byte BusCheck = 0;
    private const int Slots = 32;

    /// <summary>OEM ID, OEM table ID, OEM revision, creator and its revision (ACPI 6.5, 5.2.6).</summary>
    private static ReadOnlySpan<byte> Oem => "HV    HVHOTADD\x01\0\0\0HV  \x01\0\0\0"u8;

    /// <summary>
    /// Writes the table, header included, into <paramref name="to"/>; gives its bytes, 0 if there is not enough room. <paramref name="present"/>: bit n,
    /// there is a PCI device n on bus 0. <paramref name="number"/>: the event's number in block 0.
    /// </summary>
    public static int Build(Span<byte> to, ReadOnlySpan<RootBridge> bridges, uint present, byte number)
    {
        if (to.Length < AcpiTables.HeaderBytes)
            return 0;
        to.Slice(0, AcpiTables.HeaderBytes).Clear();
        var code = new AmlWriter(to.Slice(AcpiTables.HeaderBytes));
        WriteEvent(ref code, bridges, number);
        for (int i = 0; i < bridges.Length; i++)
        {
            if (bridges[i].Bus == 0)
                WriteDevices(ref code, in bridges[i].Path, present & ~bridges[i].Described);
        }
        if (code.HasOverflowed)
            return 0;
        int length = AcpiTables.HeaderBytes + code.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(to, AcpiTables.Ssdt);
        BinaryPrimitives.WriteUInt32LittleEndian(to.Slice(4), (uint)length);
        to[RevisionOffset] = Revision;
        Oem.CopyTo(to.Slice(OemOffset));
        AcpiTables.MendChecksum(to.Slice(0, length));
        return length;
    }

    private static void WriteEvent(ref AmlWriter code, ReadOnlySpan<RootBridge> bridges, byte number)
    {
        AmlPath events = default;
        _ = events.TryAppend(Events);
        code.Byte(AmlOpcode.Scope);
        int scope = code.Begin();
        code.Path(in events);
        code.Byte(AmlOpcode.Method);
        int method = code.Begin();
        // An edge event: the OS clears its status before it runs the method.
        code.Bytes("_E"u8);
        code.Byte(HexDigit(number >> 4));
        code.Byte(HexDigit(number & 0xF));
        const byte noArguments = 0;
        code.Byte(noArguments);
        for (int i = 0; i < bridges.Length; i++)
        {
            code.Byte(AmlOpcode.Notify);
            code.Path(in bridges[i].Path);
            code.Byte(BusCheck);
        }
        code.End(method);
        code.End(scope);
    }

    private static void WriteDevices(ref AmlWriter code, in AmlPath bridge, uint slots)
    {
        if (slots == 0)
            return;
        code.Byte(AmlOpcode.Scope);
        int scope = code.Begin();
        code.Path(in bridge);
        for (int i = 0; i < Slots; i++)
        {
            if ((slots >> i & 1) == 0)
                continue;
            code.Byte(AmlOpcode.ExtendedPrefix);
            code.Byte(AmlOpcode.Device);
            int device = code.Begin();
            code.Bytes("HV"u8);
            code.Byte(HexDigit(i >> 4));
            code.Byte(HexDigit(i & 0xF));
            code.Byte(AmlOpcode.Name);
            code.Word(Address);
            code.Integer((uint)i << 16);
            code.End(device);
        }
        code.End(scope);
    }

    private static byte HexDigit(int value) => (byte)(value < 10 ? '0' + value : 'A' + value - 10);
}
