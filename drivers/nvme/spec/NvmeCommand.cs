using System.Runtime.InteropServices;

namespace Hv.Drivers.Nvme.Spec;

/// <summary>A submission queue entry (NVM Express 1.4, 4.2).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NvmeCommand
{
    /// <summary>Size of an entry.</summary>
    public const int Bytes = 64;
    /// <summary>log2 of <see cref="Bytes"/>.</summary>
    public const int Shift = 6;
    /// <summary>The namespace identifier that means all of them.</summary>
    public const uint AllNamespaces = 0xFFFF_FFFF;

    /// <summary>Opcode in bits 7:0, FUSE in 9:8, PSDT in 15:14, command identifier in 31:16.</summary>
    public uint Dword0;
    /// <summary>NSID.</summary>
    public uint NamespaceId;
    /// <summary>Reserved in most commands.</summary>
    public uint Dword2;
    /// <summary>Reserved in most commands.</summary>
    public uint Dword3;
    /// <summary>MPTR.</summary>
    public ulong Metadata;
    /// <summary>First PRP entry.</summary>
    public ulong Prp1;
    /// <summary>Second PRP entry, or pointer to the list of the others.</summary>
    public ulong Prp2;
    /// <summary>Command specific.</summary>
    public uint Dword10;
    /// <summary>Command specific.</summary>
    public uint Dword11;
    /// <summary>Command specific.</summary>
    public uint Dword12;
    /// <summary>Command specific.</summary>
    public uint Dword13;
    /// <summary>Command specific.</summary>
    public uint Dword14;
    /// <summary>Command specific.</summary>
    public uint Dword15;

    /// <summary>A command with everything else zero.</summary>
    public NvmeCommand(byte opcode, ushort commandId, uint namespaceId)
    {
        this = default;
        Dword0 = opcode | (uint)commandId << 16;
        NamespaceId = namespaceId;
    }

    /// <summary>OPC.</summary>
    public readonly byte Opcode => (byte)Dword0;

    /// <summary>FUSE: 0 if the command is not fused to another.</summary>
    public readonly uint Fuse => Dword0 >> 8 & 3;

    /// <summary>PSDT: 0 if PRPs are used.</summary>
    public readonly uint DataPointerType => Dword0 >> 14 & 3;

    /// <summary>CID.</summary>
    public readonly ushort CommandId => (ushort)(Dword0 >> 16);

    /// <summary>SLBA of I/O commands: dwords 10 and 11.</summary>
    public readonly ulong StartingLba => Dword10 | (ulong)Dword11 << 32;

    /// <summary>Bit 30 of dword 12 in I/O commands: force unit access.</summary>
    public const uint ForceUnitAccess = 1u << 30;

    /// <summary>Bit 2 of dword 11 in Dataset Management: deallocate.</summary>
    public const uint Deallocate = 1u << 2;
}
