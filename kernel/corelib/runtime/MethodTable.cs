using System.Runtime.InteropServices;

namespace Internal.Runtime;

/// <summary>The head of the type descriptor that ILC writes for each class: what the allocator needs of it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MethodTable
{
#pragma warning disable CS0649
    /// <summary>Bytes per element, for arrays and strings.</summary>
    public ushort ComponentSize;
    public ushort Flags;
    /// <summary>Bytes of an instance, object header and method table pointer included.</summary>
    public uint BaseSize;
    /// <summary>The base class; for arrays the element type.</summary>
    public unsafe MethodTable* BaseType;
#pragma warning restore CS0649
}
