// Types that ILC resolves by name in the core library.
using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using Hv.Kernel;

namespace Internal.Runtime.CompilerHelpers
{
    /// <summary>What generated code calls when a check fails: each one is a broken invariant of Hv.</summary>
    internal static class ThrowHelpers
    {
        public static void ThrowIndexOutOfRangeException() => Panic.Stop("index out of range");
        public static void ThrowDivideByZeroException() => Panic.Stop("division by zero");
        public static void ThrowOverflowException() => Panic.Stop("arithmetic overflow");
        public static void ThrowNullReferenceException() => Panic.Stop("null reference");
        public static void ThrowArrayTypeMismatchException() => Panic.Stop("array type mismatch");
        public static void ThrowArgumentException() => Panic.Stop("bad argument");
        public static void ThrowArgumentOutOfRangeException() => Panic.Stop("argument out of range");
        public static void ThrowPlatformNotSupportedException() => Panic.Stop("not supported");
        public static void ThrowNotSupportedException() => Panic.Stop("not supported");
        public static void ThrowInvalidProgramException(int id) => Panic.Stop("invalid program");
        public static void ThrowInvalidProgramExceptionWithArgument(int id, string name) => Panic.Stop("invalid program");
        public static void ThrowFeatureBodyRemoved() => Panic.Stop("a removed body was called");
        public static void ThrowBadImageFormatException(int id) => Panic.Stop("bad image");
        public static void ThrowTypeLoadException(int id, string type, string module) => Panic.Stop("type load");
        public static void ThrowTypeLoadExceptionWithArgument(int id, string type, string module, string name) => Panic.Stop("type load");
        public static void ThrowMissingMethodException(int id, string name) => Panic.Stop("missing method");
        public static void ThrowMissingFieldException(int id, string name) => Panic.Stop("missing field");
        public static void ThrowFileNotFoundException(int id, string name) => Panic.Stop("missing file");
        public static void ThrowUnreachableException() => Panic.Stop("unreachable code was reached");
    }
}

namespace System.Runtime
{
    /// <summary>Casts. Types are compared by their method tables along the chain of base classes; interfaces are never cast to.</summary>
    internal static unsafe class TypeCast
    {
        public static object? IsInstanceOfClass(Internal.Runtime.MethodTable* type, object? value)
        {
            if (value == null)
                return null;
            for (Internal.Runtime.MethodTable* at = value.MethodTable; at != null; at = at->BaseType)
            {
                if (at == type)
                    return value;
            }
            return null;
        }

        public static object? CheckCastClass(Internal.Runtime.MethodTable* type, object? value)
        {
            if (value != null && IsInstanceOfClass(type, value) == null)
                Panic.Stop("invalid cast");
            return value;
        }

        public static object? IsInstanceOfExact(Internal.Runtime.MethodTable* type, object? value) => IsInstanceOfClass(type, value);
        public static object? CheckCastClassSpecial(Internal.Runtime.MethodTable* type, object? value) => CheckCastClass(type, value);

        public static object? IsInstanceOfAny(Internal.Runtime.MethodTable* type, object? value) => Unsupported(value);
        public static object? IsInstanceOfInterface(Internal.Runtime.MethodTable* type, object? value) => Unsupported(value);
        public static bool IsInstanceOfException(Internal.Runtime.MethodTable* type, object? value) => Unsupported(value) != null;
        public static object? CheckCastAny(Internal.Runtime.MethodTable* type, object? value) => Unsupported(value);
        public static object? CheckCastInterface(Internal.Runtime.MethodTable* type, object? value) => Unsupported(value);

        private static object? Unsupported(object? value)
        {
            Panic.Stop("cast to an interface or array");
            return value;
        }

        [RuntimeExport("RhpStelemRef")]
        public static void StelemRef(object?[] array, nint index, object? element)
        {
            // Arrays are not covariant in Hv (docs/CONTRIBUTING.md): no type check is due, only the bound.
            if ((nuint)index >= (nuint)array.Length)
                Panic.Stop("index out of range");
            Unsafe.Add(ref InteropServices.MemoryMarshal.GetArrayDataReference(array), index) = element;
        }

        [RuntimeExport("RhpLdelemaRef")]
        public static ref object? LdelemaRef(object?[] array, nint index, nint elementType)
        {
            if ((nuint)index >= (nuint)array.Length)
                Panic.Stop("index out of range");
            return ref Unsafe.Add(ref InteropServices.MemoryMarshal.GetArrayDataReference(array), index);
        }
    }
}

namespace System.Runtime.InteropServices
{
    internal interface IDynamicInterfaceCastable
    {
        bool IsDynamicInterfaceImplemented(RuntimeTypeHandle interfaceType, bool throwIfNotImplemented);
        RuntimeTypeHandle GetDynamicInterfaceImplementation(RuntimeTypeHandle interfaceType);
    }
}

namespace System
{
    /// <summary>Block copies and fills that generated code calls for structs.</summary>
    internal static unsafe class SpanHelpers
    {
        public static void Memmove(ref byte destination, ref byte source, nuint bytes) =>
            Hv.Kernel.Processor.Stubs.MoveBytes((byte*)Unsafe.AsPointer(ref destination), (byte*)Unsafe.AsPointer(ref source), bytes);

        public static void Fill(ref byte destination, byte value, nuint bytes) =>
            Hv.Kernel.Processor.Stubs.FillBytes((byte*)Unsafe.AsPointer(ref destination), value, bytes);

        public static void ClearWithoutReferences(ref byte destination, nuint bytes) =>
            Hv.Kernel.Processor.Stubs.FillBytes((byte*)Unsafe.AsPointer(ref destination), 0, bytes);
    }

    internal static class Buffer
    {
        public static void BulkMoveWithWriteBarrier(ref byte destination, ref byte source, nuint bytes) =>
            SpanHelpers.Memmove(ref destination, ref source, bytes);
    }
}
