namespace System;

public static class MemoryExtensions
{
    public static bool SequenceEqual<T>(this ReadOnlySpan<T> left, ReadOnlySpan<T> right) where T : unmanaged
    {
        if (left.Length != right.Length)
            return false;
        ReadOnlySpan<byte> leftBytes = Runtime.InteropServices.MemoryMarshal.AsBytes(left);
        ReadOnlySpan<byte> rightBytes = Runtime.InteropServices.MemoryMarshal.AsBytes(right);
        for (int i = 0; i < leftBytes.Length; i++)
        {
            if (leftBytes[i] != rightBytes[i])
                return false;
        }
        return true;
    }

    public static bool SequenceEqual<T>(this Span<T> left, ReadOnlySpan<T> right) where T : unmanaged =>
        SequenceEqual((ReadOnlySpan<T>)left, right);

    public static Span<T> AsSpan<T>(this T[]? array) => new(array);
    public static Span<T> AsSpan<T>(this T[]? array, int start) => new Span<T>(array).Slice(start);
    public static Span<T> AsSpan<T>(this T[]? array, int start, int length) => new Span<T>(array).Slice(start, length);
}
