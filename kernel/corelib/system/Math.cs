namespace System;

public static class Math
{
    public static int Min(int left, int right) => left < right ? left : right;
    public static uint Min(uint left, uint right) => left < right ? left : right;
    public static long Min(long left, long right) => left < right ? left : right;
    public static ulong Min(ulong left, ulong right) => left < right ? left : right;
    public static int Max(int left, int right) => left > right ? left : right;
    public static uint Max(uint left, uint right) => left > right ? left : right;
    public static long Max(long left, long right) => left > right ? left : right;
    public static ulong Max(ulong left, ulong right) => left > right ? left : right;
    public static int Abs(int value) => value < 0 ? -value : value;

    /// <summary>The 128-bit product: the high half is returned, the low half goes to <paramref name="low"/>.</summary>
    public static ulong BigMul(ulong left, ulong right, out ulong low)
    {
        ulong leftLow = (uint)left, leftHigh = left >> 32, rightLow = (uint)right, rightHigh = right >> 32;
        ulong lowProduct = leftLow * rightLow;
        ulong middle = leftHigh * rightLow + (lowProduct >> 32);
        ulong middleLow = leftLow * rightHigh + (uint)middle;
        low = middleLow << 32 | (uint)lowProduct;
        return leftHigh * rightHigh + (middle >> 32) + (middleLow >> 32);
    }
}
