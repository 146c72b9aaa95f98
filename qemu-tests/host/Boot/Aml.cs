using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Hv.HostTests.Boot;

/// <summary>Writes AML by hand, with the shortest encodings, as firmware has it (ACPI 6.5, 20.2).</summary>
internal static class Aml
{
    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    public static byte[] Scope(string name, params byte[][] body) => Join([0x10], Package(Join([Name(name), .. body])));

    public static byte[] Device(string name, params byte[][] body) => Join([0x5B, 0x82], Package(Join([Name(name), .. body])));

    public static byte[] Method(string name, params byte[][] body) => Join([0x14], Package(Join([Name(name), [0], .. body])));

    public static byte[] If(params byte[][] body) => Join([0xA0], Package(Join([[0x01], .. body])));

    public static byte[] Named(string name, byte[] data) => Join([0x08], Name(name), data);

    public static byte[] Integer(ulong value) => value switch
    {
        0 => [0],
        1 => [1],
        <= byte.MaxValue => [0x0A, (byte)value],
        <= ushort.MaxValue => [0x0B, .. BitConverter.GetBytes((ushort)value)],
        <= uint.MaxValue => [0x0C, .. BitConverter.GetBytes((uint)value)],
        _ => [0x0E, .. BitConverter.GetBytes(value)],
    };

    public static byte[] Text(string text) => [0x0D, .. Encoding.ASCII.GetBytes(text), 0];

    public static byte[] Buffer(params byte[] bytes) => Join([0x11], Package(Join(Integer((ulong)bytes.Length), bytes)));

    public static byte[] List(params byte[][] elements) => Join([0x12], Package(Join([[(byte)elements.Length], .. elements])));

    public static byte[] Name(string name)
    {
        List<byte> bytes = [];
        while (name.Length != 0 && name[0] is '\\' or '^')
        {
            bytes.Add((byte)name[0]);
            name = name[1..];
        }
        string[] segments = name.Length == 0 ? [] : [.. name.Split('.').Select(segment => segment.PadRight(4, '_'))];
        byte[] prefix = segments.Length switch { 0 => [0], 1 => [], 2 => [0x2E], _ => [0x2F, (byte)segments.Length] };
        return [.. bytes, .. prefix, .. segments.SelectMany(Encoding.ASCII.GetBytes)];
    }

    public static byte[] Package(byte[] body)
    {
        int length = body.Length + 1;
        if (length < 0x40)
            return [(byte)length, .. body];
        int more = length + 1 < 0x1000 ? 1 : length + 2 < 0x10_0000 ? 2 : 3;
        length = body.Length + 1 + more;
        byte[] lead = [(byte)(more << 6 | length & 0xF), .. Enumerable.Range(0, more).Select(i => (byte)(length >> (4 + 8 * i)))];
        return [.. lead, .. body];
    }
}
