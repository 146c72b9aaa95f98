using System;

namespace Hv.Boot.Acpi;

/// <summary>
/// The \_S3 and \_S5 objects of a DSDT (ACPI 6.5, 7.4.2): what is written to SLP_TYP for a sleeping state. No interpreter of AML is needed: every table
/// defines them as packages of constants (20.2.5.4).
/// </summary>
public static class SleepTypes
{
    private const int NameBytes = 4;

    /// <summary>"_S3_" and "_S5_".</summary>
    public static ReadOnlySpan<byte> Suspend => "_S3_"u8;

    /// <inheritdoc cref="Suspend"/>
    public static ReadOnlySpan<byte> SoftOff => "_S5_"u8;

    /// <summary>The first element of the package that <paramref name="name"/> names, a value of SLP_TYPa; false if there is none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> dsdt, ReadOnlySpan<byte> name, out byte type)
    {
        type = 0;
        int at = Find(dsdt, name);
        if (at < 0)
            return false;
        at += NameBytes + 1;
        if (!AmlReader.TryReadPackage(dsdt, ref at, out _))
            return false;
        // The number of elements comes first.
        at++;
        if (!AmlReader.TryReadInteger(dsdt, ref at, out ulong value) || value > byte.MaxValue)
            return false;
        type = (byte)value;
        return true;
    }

    /// <summary>Gives the object another name, so that the OS does not offer the state, and mends the checksum. False: there is none.</summary>
    public static bool Hide(Span<byte> dsdt, ReadOnlySpan<byte> name)
    {
        int at = Find(dsdt, name);
        if (at < 0)
            return false;
        const byte hidden = (byte)'X';
        dsdt[at] = hidden;
        AcpiTables.MendChecksum(dsdt);
        return true;
    }

    // Where the name of a definition is that is followed by a package.
    private static int Find(ReadOnlySpan<byte> dsdt, ReadOnlySpan<byte> name)
    {
        for (int at = 2; at + NameBytes < dsdt.Length; at++)
        {
            bool isDefinition = dsdt[at - 1] == AmlOpcode.Name || (dsdt[at - 1] == AmlOpcode.RootPrefix && dsdt[at - 2] == AmlOpcode.Name);
            if (isDefinition && dsdt[at + NameBytes] == AmlOpcode.Package && dsdt.Slice(at, NameBytes).SequenceEqual(name))
                return at;
        }
        return -1;
    }
}
