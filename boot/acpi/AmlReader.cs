using System;
using System.Buffers.Binary;

namespace Hv.Boot.Acpi;

/// <summary>Reads single terms of AML. The code is the firmware's: nothing is read outside of the span, and nothing advances past its end.</summary>
internal static class AmlReader
{
    // Compilers allow 200 characters. Without a limit, damaged code would take quadratic time.
    private const int LongestString = 256;

    /// <summary>
    /// Reads a PkgLength (20.2.4) at <paramref name="at"/>, which goes behind it. <paramref name="end"/> is where the package ends. False if it is none, or
    /// reaches beyond the code.
    /// </summary>
    public static bool TryReadPackage(ReadOnlySpan<byte> code, ref int at, out int end)
    {
        end = 0;
        if ((uint)at >= (uint)code.Length)
            return false;
        int lead = code[at], more = lead >> 6, length = more == 0 ? lead & 0x3F : lead & 0x0F;
        if (more >= code.Length - at)
            return false;
        for (int i = 0; i < more; i++)
            length |= code[at + 1 + i] << (4 + 8 * i);
        if (length <= more || length > code.Length - at)
            return false;
        end = at + length;
        at += 1 + more;
        return true;
    }

    /// <summary>
    /// Reads a NameString (20.2.2) at <paramref name="at"/>, which goes behind it. A name without prefix is taken to be below <paramref name="scope"/>.
    /// False if it is none; a null name is none.
    /// </summary>
    public static bool TryReadName(ReadOnlySpan<byte> code, ref int at, in AmlPath scope, out AmlPath path)
    {
        path = scope;
        int i = at;
        if (i < code.Length && code[i] == AmlOpcode.RootPrefix)
        {
            path = default;
            i++;
        }
        for (; i < code.Length && code[i] == AmlOpcode.ParentPrefix; i++)
        {
            if (!path.TryGoUp())
                return false;
        }
        int count = 1;
        if (i < code.Length && code[i] == AmlOpcode.DualName)
        {
            count = 2;
            i++;
        }
        else if (i + 1 < code.Length && code[i] == AmlOpcode.MultiName)
        {
            count = code[i + 1];
            i += 2;
        }
        for (int k = 0; k < count; k++, i += 4)
        {
            if (!TryReadSegment(code, i, out uint segment) || !path.TryAppend(segment))
                return false;
        }
        at = i;
        return count != 0;
    }

    /// <summary>Reads a NameSeg at <paramref name="at"/>: a letter or underscore, then three letters, digits or underscores.</summary>
    public static bool TryReadSegment(ReadOnlySpan<byte> code, int at, out uint segment)
    {
        segment = 0;
        if (at < 0 || at > code.Length - 4)
            return false;
        for (int i = 0; i < 4; i++)
        {
            byte letter = code[at + i];
            bool isDigit = letter is >= (byte)'0' and <= (byte)'9';
            if (letter is not (>= (byte)'A' and <= (byte)'Z') && letter != (byte)'_' && !(isDigit && i != 0))
                return false;
        }
        segment = BinaryPrimitives.ReadUInt32LittleEndian(code.Slice(at));
        return true;
    }

    /// <summary>Reads a constant integer at <paramref name="at"/>, which goes behind it.</summary>
    public static bool TryReadInteger(ReadOnlySpan<byte> code, ref int at, out ulong value)
    {
        value = 0;
        if ((uint)at >= (uint)code.Length)
            return false;
        int bytes;
        switch (code[at])
        {
            case AmlOpcode.Zero:
                bytes = 0;
                break;
            case AmlOpcode.One:
                value = 1;
                bytes = 0;
                break;
            case AmlOpcode.Ones:
                value = ulong.MaxValue;
                bytes = 0;
                break;
            case AmlOpcode.BytePrefix:
                bytes = 1;
                break;
            case AmlOpcode.WordPrefix:
                bytes = 2;
                break;
            case AmlOpcode.DWordPrefix:
                bytes = 4;
                break;
            case AmlOpcode.QWordPrefix:
                bytes = 8;
                break;
            default:
                return false;
        }
        if (bytes > code.Length - at - 1)
            return false;
        for (int i = 0; i < bytes; i++)
            value |= (ulong)code[at + 1 + i] << (8 * i);
        at += 1 + bytes;
        return true;
    }

    /// <summary>Goes behind a data object (20.2.3) at <paramref name="at"/> if it is a constant one; else does not move.</summary>
    public static void SkipData(ReadOnlySpan<byte> code, ref int at)
    {
        if ((uint)at >= (uint)code.Length || TryReadInteger(code, ref at, out _))
            return;
        byte opcode = code[at];
        int i = at + 1;
        if (opcode is AmlOpcode.Buffer or AmlOpcode.Package or AmlOpcode.VarPackage)
        {
            if (TryReadPackage(code, ref i, out int end))
                at = end;
        }
        else if (opcode == AmlOpcode.StringPrefix)
        {
            int limit = Math.Min(code.Length, i + LongestString);
            while (i < limit && code[i] is > 0 and < 0x80)
                i++;
            if (i < limit && code[i] == 0)
                at = i + 1;
        }
    }
}
