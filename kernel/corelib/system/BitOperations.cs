using System.Runtime.CompilerServices;

namespace System.Numerics;

/// <summary>Bit counting. The loops stand for what the JIT makes one instruction of.</summary>
public static class BitOperations
{
    [Intrinsic]
    public static int TrailingZeroCount(uint value) => value == 0 ? 32 : PopCount((value & (0 - value)) - 1);
    [Intrinsic]
    public static int TrailingZeroCount(ulong value) => value == 0 ? 64 : PopCount((value & (0 - value)) - 1);
    public static int TrailingZeroCount(int value) => TrailingZeroCount((uint)value);
    public static int LeadingZeroCount(uint value) => value == 0 ? 32 : 31 - Log2(value);
    public static int LeadingZeroCount(ulong value) => value == 0 ? 64 : 63 - Log2(value);

    public static int Log2(uint value) => Log2((ulong)value);

    public static int Log2(ulong value)
    {
        value |= value >> 1;
        value |= value >> 2;
        value |= value >> 4;
        value |= value >> 8;
        value |= value >> 16;
        value |= value >> 32;
        return Math.Max(PopCount(value) - 1, 0);
    }

    public static int PopCount(uint value) => PopCount((ulong)value);

    public static int PopCount(ulong value)
    {
        value -= (value >> 1) & 0x5555_5555_5555_5555;
        value = (value & 0x3333_3333_3333_3333) + ((value >> 2) & 0x3333_3333_3333_3333);
        value = (value + (value >> 4)) & 0x0F0F_0F0F_0F0F_0F0F;
        return (int)((value * 0x0101_0101_0101_0101) >> 56);
    }

    public static bool IsPow2(uint value) => value != 0 && (value & (value - 1)) == 0;
    public static bool IsPow2(ulong value) => value != 0 && (value & (value - 1)) == 0;
    public static bool IsPow2(int value) => value > 0 && (value & (value - 1)) == 0;
    public static uint RoundUpToPowerOf2(uint value) => value <= 1 ? value : 1u << (Log2(value - 1) + 1);
    public static ulong RoundUpToPowerOf2(ulong value) => value <= 1 ? value : 1ul << (Log2(value - 1) + 1);
    public static uint RotateLeft(uint value, int count) => value << count | value >> (32 - count);
    public static uint RotateRight(uint value, int count) => value >> count | value << (32 - count);
    public static ulong RotateLeft(ulong value, int count) => value << count | value >> (64 - count);
    public static ulong RotateRight(ulong value, int count) => value >> count | value << (64 - count);
}
