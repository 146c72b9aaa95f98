using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace System.Buffers.Binary;

public static class BinaryPrimitives
{
    public static ushort ReadUInt16LittleEndian(ReadOnlySpan<byte> source) => Read<ushort>(source);
    public static uint ReadUInt32LittleEndian(ReadOnlySpan<byte> source) => Read<uint>(source);
    public static ulong ReadUInt64LittleEndian(ReadOnlySpan<byte> source) => Read<ulong>(source);
    public static short ReadInt16LittleEndian(ReadOnlySpan<byte> source) => Read<short>(source);
    public static int ReadInt32LittleEndian(ReadOnlySpan<byte> source) => Read<int>(source);
    public static long ReadInt64LittleEndian(ReadOnlySpan<byte> source) => Read<long>(source);
    public static ushort ReadUInt16BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(Read<ushort>(source));
    public static uint ReadUInt32BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(Read<uint>(source));
    public static ulong ReadUInt64BigEndian(ReadOnlySpan<byte> source) => ReverseEndianness(Read<ulong>(source));
    public static void WriteUInt16LittleEndian(Span<byte> destination, ushort value) => Write(destination, value);
    public static void WriteUInt32LittleEndian(Span<byte> destination, uint value) => Write(destination, value);
    public static void WriteUInt64LittleEndian(Span<byte> destination, ulong value) => Write(destination, value);
    public static void WriteUInt16BigEndian(Span<byte> destination, ushort value) => Write(destination, ReverseEndianness(value));
    public static void WriteUInt32BigEndian(Span<byte> destination, uint value) => Write(destination, ReverseEndianness(value));
    public static void WriteUInt64BigEndian(Span<byte> destination, ulong value) => Write(destination, ReverseEndianness(value));

    public static ushort ReverseEndianness(ushort value) => (ushort)(value << 8 | value >> 8);
    public static uint ReverseEndianness(uint value) =>
        (uint)ReverseEndianness((ushort)value) << 16 | ReverseEndianness((ushort)(value >> 16));
    public static ulong ReverseEndianness(ulong value) =>
        (ulong)ReverseEndianness((uint)value) << 32 | ReverseEndianness((uint)(value >> 32));

    private static T Read<T>(ReadOnlySpan<byte> source) where T : unmanaged => MemoryMarshal.Read<T>(source);

    private static void Write<T>(Span<byte> destination, T value) where T : unmanaged => MemoryMarshal.Write(destination, in value);
}
