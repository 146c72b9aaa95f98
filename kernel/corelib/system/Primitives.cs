// The types that C# itself names. Their fields and layout are the compiler's; no behaviour that Hv does not use.
#pragma warning disable CS0649, CS0169, CA1066
namespace System
{
    public unsafe class Object
    {
        // The object header's only field: ILC places the method table pointer here.
        internal Internal.Runtime.MethodTable* MethodTable;

        public Object() { }
        ~Object() { }

        public virtual bool Equals(object? other) => ReferenceEquals(this, other);
        public virtual int GetHashCode() => 0;
        public virtual string ToString() => "";
        public static bool ReferenceEquals(object? left, object? right) => left == right;
    }

    public abstract class ValueType
    {
        public override bool Equals(object? other) { Hv.Kernel.Panic.Stop("ValueType.Equals is not there"); return false; }
        public override int GetHashCode() => 0;
    }

    public struct Void { }
    public struct Boolean { private bool _value; }
    public struct Char { private char _value; }

    public struct SByte { private sbyte _value; public const sbyte MaxValue = 0x7F; public const sbyte MinValue = -0x80; }
    public struct Byte { private byte _value; public const byte MaxValue = 0xFF; public const byte MinValue = 0; }
    public struct Int16 { private short _value; public const short MaxValue = 0x7FFF; public const short MinValue = -0x8000; }
    public struct UInt16 { private ushort _value; public const ushort MaxValue = 0xFFFF; public const ushort MinValue = 0; }
    public struct Int32 { private int _value; public const int MaxValue = 0x7FFFFFFF; public const int MinValue = unchecked((int)0x80000000); }
    public struct UInt32 { private uint _value; public const uint MaxValue = 0xFFFFFFFF; public const uint MinValue = 0; }
    public struct Int64 { private long _value; public const long MaxValue = 0x7FFFFFFFFFFFFFFF; public const long MinValue = unchecked((long)0x8000000000000000); }
    public struct UInt64 { private ulong _value; public const ulong MaxValue = 0xFFFFFFFFFFFFFFFF; public const ulong MinValue = 0; }
    public struct IntPtr { private nint _value; public static nint Zero => 0; }
    public struct UIntPtr { private nuint _value; public static nuint Zero => 0; }
    public struct Single { private float _value; }
    public struct Double { private double _value; }

    public abstract class Enum : ValueType { }
    public abstract class Delegate { }
    public abstract class MulticastDelegate : Delegate { }
    public class Attribute { }
    public class Exception { }
    public abstract class Type { }
    internal sealed class RuntimeType : Type { }

    public struct RuntimeTypeHandle { private IntPtr _value; }
    public struct RuntimeMethodHandle { private IntPtr _value; }
    public struct RuntimeFieldHandle { private IntPtr _value; }

    public struct Nullable<T> where T : struct
    {
        private readonly bool _hasValue;
        private T _value;

        public Nullable(T value) { _hasValue = true; _value = value; }
        public readonly bool HasValue => _hasValue;
        public readonly T Value => _value;
        public readonly T GetValueOrDefault() => _value;
        public readonly T GetValueOrDefault(T other) => _hasValue ? _value : other;
        public static implicit operator Nullable<T>(T value) => new Nullable<T>(value);
    }

    public interface IDisposable { void Dispose(); }
    public interface IEquatable<T> { bool Equals(T? other); }
    public interface IComparable<T> { int CompareTo(T? other); }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AttributeUsageAttribute : Attribute
    {
        public AttributeUsageAttribute(AttributeTargets validOn) { }
        public bool AllowMultiple { get; set; }
        public bool Inherited { get; set; }
    }

    public enum AttributeTargets
    {
        Assembly = 1, Module = 2, Class = 4, Struct = 8, Enum = 16, Constructor = 32, Method = 64, Property = 128, Field = 256,
        Event = 512, Interface = 1024, Parameter = 2048, Delegate = 4096, ReturnValue = 8192, GenericParameter = 16384, All = 32767,
    }

    public sealed class ParamArrayAttribute : Attribute { }
    public sealed class FlagsAttribute : Attribute { }
    public sealed class ThreadStaticAttribute : Attribute { }

    public sealed class ObsoleteAttribute : Attribute
    {
        public ObsoleteAttribute() { }
        public ObsoleteAttribute(string? message) { }
        public ObsoleteAttribute(string? message, bool error) { }
    }
}
