using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Internal.Runtime;

/// <summary>The runtime entry points that ILC's generated code calls by name.</summary>
internal static unsafe class Exports
{
    [RuntimeExport("RhpNewFast")]
    private static void* NewObject(MethodTable* type)
    {
        nint* instance = (nint*)BootHeap.Allocate(type->BaseSize);
        instance[0] = (nint)type;
        return instance;
    }

    [RuntimeExport("RhpNewArrayFast")]
    private static void* NewArray(MethodTable* type, int length)
    {
        if (length < 0)
            Panic.Stop("array of negative length");
        nint* instance = (nint*)BootHeap.Allocate(type->BaseSize + (ulong)(uint)length * type->ComponentSize);
        instance[0] = (nint)type;
        *(int*)(instance + 1) = length;
        return instance;
    }

    // Names under which ILC 10 asks for the same two allocators.
    [RuntimeExport("RhpNewArray")]
    private static void* NewArraySlow(MethodTable* type, int length) => NewArray(type, length);

    [RuntimeExport("RhpNewPtrArrayFast")]
    private static void* NewPointerArray(MethodTable* type, int length) => NewArray(type, length);

    [RuntimeExport("RhpNewFinalizable")]
    private static void* NewFinalizable(MethodTable* type) => NewObject(type);

    [RuntimeExport("RhpPInvoke")]
    private static void PInvoke(void* frame) { }

    [RuntimeExport("RhpPInvokeReturn")]
    private static void PInvokeReturn(void* frame) { }

    [RuntimeExport("RhpReversePInvoke")]
    private static void ReversePInvoke(void* frame) { }

    [RuntimeExport("RhpReversePInvokeReturn")]
    private static void ReversePInvokeReturn(void* frame) { }

    [RuntimeExport("RhpFallbackFailFast")]
    private static void FailFast() => Panic.Stop("the compiler's fail-fast path was reached");

    // The barriers of a collector: Hv has none, so a store is a store. (ILC passes rcx and rdx, as any call.)
    [RuntimeExport("RhpAssignRef")]
    private static void AssignReference(void** location, void* value) => *location = value;

    [RuntimeExport("RhpCheckedAssignRef")]
    private static void CheckedAssignReference(void** location, void* value) => *location = value;
}
