using System.Diagnostics.CodeAnalysis;

namespace System.Runtime.CompilerServices;

/// <summary>Pointer and reference arithmetic. ILC replaces the bodies; they are never run as written.</summary>
public static unsafe class Unsafe
{
    [Intrinsic] public static void* AsPointer<T>(ref readonly T value) where T : allows ref struct => throw null!;
    [Intrinsic] public static int SizeOf<T>() where T : allows ref struct => throw null!;
    [Intrinsic] public static T As<T>(object? value) where T : class? => throw null!;
    [Intrinsic] public static ref TTo As<TFrom, TTo>(ref TFrom source) where TFrom : allows ref struct where TTo : allows ref struct => throw null!;
    [Intrinsic] public static ref T Add<T>(ref T source, int offset) => throw null!;
    [Intrinsic] public static ref T Add<T>(ref T source, nint offset) => throw null!;
    [Intrinsic] public static ref T Add<T>(ref T source, nuint offset) => throw null!;
    [Intrinsic] public static ref T AddByteOffset<T>(ref T source, nuint offset) => throw null!;
    [Intrinsic] public static ref T AddByteOffset<T>(ref T source, nint offset) => throw null!;
    [Intrinsic] public static bool AreSame<T>(ref readonly T left, ref readonly T right) => throw null!;
    [Intrinsic] public static bool IsAddressGreaterThan<T>(ref readonly T left, ref readonly T right) => throw null!;
    [Intrinsic] public static bool IsAddressLessThan<T>(ref readonly T left, ref readonly T right) => throw null!;
    [Intrinsic] public static T ReadUnaligned<T>(void* source) => throw null!;
    [Intrinsic] public static T ReadUnaligned<T>(ref readonly byte source) => throw null!;
    [Intrinsic] public static void WriteUnaligned<T>(void* destination, T value) => throw null!;
    [Intrinsic] public static void WriteUnaligned<T>(ref byte destination, T value) => throw null!;
    [Intrinsic] public static ref T AsRef<T>(void* source) => throw null!;
    [Intrinsic] public static ref T AsRef<T>(scoped ref readonly T source) => throw null!;
    [Intrinsic] public static ref T NullRef<T>() => throw null!;
    [Intrinsic] public static bool IsNullRef<T>(ref readonly T source) => throw null!;
    [Intrinsic] public static nint ByteOffset<T>(ref readonly T origin, ref readonly T target) => throw null!;
    [Intrinsic] public static void SkipInit<T>(out T value) => throw null!;
    [Intrinsic] public static TTo BitCast<TFrom, TTo>(TFrom source) => throw null!;
}
