using System.Runtime.CompilerServices;

namespace System.Threading;

/// <summary>Atomic operations; the JIT replaces each body by the locked instruction, so a call to itself is never made.</summary>
public static class Interlocked
{
    [Intrinsic] public static int CompareExchange(ref int location, int value, int comparand) => CompareExchange(ref location, value, comparand);
    [Intrinsic] public static long CompareExchange(ref long location, long value, long comparand) => CompareExchange(ref location, value, comparand);
    [Intrinsic] public static int Exchange(ref int location, int value) => Exchange(ref location, value);
    [Intrinsic] public static long Exchange(ref long location, long value) => Exchange(ref location, value);
    [Intrinsic] public static int ExchangeAdd(ref int location, int value) => ExchangeAdd(ref location, value);
    public static int Add(ref int location, int value) => ExchangeAdd(ref location, value) + value;
    public static int Increment(ref int location) => Add(ref location, 1);
    public static int Decrement(ref int location) => Add(ref location, -1);
    [Intrinsic] public static void MemoryBarrier() => MemoryBarrier();
}
