using System.Runtime.CompilerServices;

namespace System;

public abstract class Array
{
    // The layout is fixed by the compiler: the element count, then the elements.
#pragma warning disable CS0649
    internal int _numComponents;
#pragma warning restore CS0649

    public int Length => _numComponents;

    public static void Clear<T>(T[] array) => new Span<T>(array).Clear();
}

// ILC asks for the generic half of an array's method table by this name.
internal class Array<T> : Array { }

// Where ILC finds the first element of an array behind its length.
internal sealed class RawArrayData
{
#pragma warning disable CS0649
    public uint Length;
    public uint Padding;
    public byte Data;
#pragma warning restore CS0649
}
