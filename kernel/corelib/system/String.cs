using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace System;

/// <summary>Only string literals exist: frozen objects that ILC writes into the image.</summary>
[StructLayout(LayoutKind.Sequential)]
public sealed class String
{
    // The layout is fixed by the compiler: length in UTF-16 units, then the units, then a zero.
    private readonly int _stringLength;
    private readonly char _firstChar;

    public int Length => _stringLength;

    [IndexerName("Chars")]
    public char this[int index]
    {
        get
        {
            if ((uint)index >= (uint)_stringLength)
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowIndexOutOfRangeException();
            return Unsafe.Add(ref Unsafe.AsRef(in _firstChar), index);
        }
    }

    public ref readonly char GetPinnableReference() => ref _firstChar;
}
