namespace System.Runtime.InteropServices
{
    public enum LayoutKind { Sequential = 0, Explicit = 2, Auto = 3 }
    public enum CharSet { None = 1, Ansi = 2, Unicode = 3, Auto = 4 }
    public enum CallingConvention { Winapi = 1, Cdecl = 2, StdCall = 3, ThisCall = 4, FastCall = 5 }
    public enum UnmanagedType { Bool = 2, I1 = 3, U1 = 4, I2 = 5, U2 = 6, I4 = 7, U4 = 8, I8 = 9, U8 = 10 }

    public sealed class StructLayoutAttribute : Attribute
    {
        public StructLayoutAttribute(LayoutKind layoutKind) { }
        public int Pack;
        public int Size;
        public CharSet CharSet;
    }

    public sealed class FieldOffsetAttribute : Attribute { public FieldOffsetAttribute(int offset) { } }
    public sealed class InAttribute : Attribute { }
    public sealed class OutAttribute : Attribute { }
    public sealed class MarshalAsAttribute : Attribute { public MarshalAsAttribute(UnmanagedType type) { } }
    public sealed class SuppressGCTransitionAttribute : Attribute { }

    public sealed class DllImportAttribute : Attribute
    {
        public DllImportAttribute(string library) { }
        public string? EntryPoint;
        public CharSet CharSet;
        public bool ExactSpelling;
        public bool SetLastError;
        public CallingConvention CallingConvention;
    }

    public sealed class UnmanagedCallersOnlyAttribute : Attribute
    {
        public string? EntryPoint;
        public Type[]? CallConvs;
    }

    public static class MemoryMarshal
    {
        [CompilerServices.Intrinsic]
        public static ref T GetArrayDataReference<T>(T[] array) =>
            ref CompilerServices.Unsafe.As<byte, T>(ref CompilerServices.Unsafe.As<RawArrayData>(array).Data);

        public static ref T GetReference<T>(Span<T> span) => ref span._reference;
        public static ref T GetReference<T>(ReadOnlySpan<T> span) => ref span._reference;
        public static Span<T> CreateSpan<T>(scoped ref T reference, int length) =>
            new(ref CompilerServices.Unsafe.AsRef(in reference), length);
        public static ReadOnlySpan<T> CreateReadOnlySpan<T>(scoped ref readonly T reference, int length) =>
            new(ref CompilerServices.Unsafe.AsRef(in reference), length);

        public static Span<byte> AsBytes<T>(Span<T> span) where T : unmanaged => Cast<T, byte>(span);
        public static ReadOnlySpan<byte> AsBytes<T>(ReadOnlySpan<T> span) where T : unmanaged => Cast<T, byte>(span);

        public static Span<TTo> Cast<TFrom, TTo>(Span<TFrom> span) where TFrom : unmanaged where TTo : unmanaged =>
            new(ref CompilerServices.Unsafe.As<TFrom, TTo>(ref span._reference), Scaled<TFrom, TTo>(span.Length));

        public static ReadOnlySpan<TTo> Cast<TFrom, TTo>(ReadOnlySpan<TFrom> span) where TFrom : unmanaged where TTo : unmanaged =>
            new(ref CompilerServices.Unsafe.As<TFrom, TTo>(ref span._reference), Scaled<TFrom, TTo>(span.Length));

        public static unsafe T Read<T>(ReadOnlySpan<byte> source) where T : unmanaged
        {
            if (source.Length < sizeof(T))
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowIndexOutOfRangeException();
            return CompilerServices.Unsafe.ReadUnaligned<T>(ref source._reference);
        }

        public static unsafe void Write<T>(Span<byte> destination, in T value) where T : unmanaged
        {
            if (destination.Length < sizeof(T))
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowIndexOutOfRangeException();
            CompilerServices.Unsafe.WriteUnaligned(ref destination._reference, value);
        }

        public static unsafe ref T AsRef<T>(Span<byte> span) where T : unmanaged
        {
            if (span.Length < sizeof(T))
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowIndexOutOfRangeException();
            return ref CompilerServices.Unsafe.As<byte, T>(ref span._reference);
        }

        private static unsafe int Scaled<TFrom, TTo>(int length) where TFrom : unmanaged where TTo : unmanaged =>
            (int)((ulong)(uint)length * (uint)sizeof(TFrom) / (uint)sizeof(TTo));
    }
}

namespace System.Runtime
{
    /// <summary>Gives a method the name by which ILC's generated code calls it.</summary>
    public sealed class RuntimeExportAttribute : Attribute { public RuntimeExportAttribute(string entry) { } }

    /// <summary>Declares a method that an assembled stub provides.</summary>
    public sealed class RuntimeImportAttribute : Attribute
    {
        public RuntimeImportAttribute(string entry) { }
        public RuntimeImportAttribute(string library, string entry) { }
    }
}
