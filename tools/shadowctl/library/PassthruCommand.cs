using System.Runtime.InteropServices;

namespace Hv.ShadowControl;

/// <summary>Linux's <c>struct nvme_passthru_cmd</c> (linux/nvme_ioctl.h): 72 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct PassthruCommand
{
    public const int Size = 72;

    [FieldOffset(0)] public byte Opcode;
    [FieldOffset(4)] public uint Namespace;
    [FieldOffset(24)] public ulong Address;
    [FieldOffset(36)] public uint DataLength;
    [FieldOffset(40)] public uint Dword10;
    [FieldOffset(48)] public uint Dword12;
    [FieldOffset(52)] public uint Dword13;
    [FieldOffset(56)] public uint Dword14;
    [FieldOffset(64)] public uint TimeoutMilliseconds;
    [FieldOffset(68)] public uint Result;
}
