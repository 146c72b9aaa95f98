using System.Runtime.InteropServices;

namespace Hv.Drivers.Nvme.Spec;

/// <summary>A completion queue entry (NVM Express 1.4, 4.6).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NvmeCompletion
{
    /// <summary>Size of an entry.</summary>
    public const int Bytes = 16;
    /// <summary>log2 of <see cref="Bytes"/>.</summary>
    public const int Shift = 4;

    /// <summary>Command specific.</summary>
    public uint Result;
    /// <summary>Reserved.</summary>
    public uint Dword1;
    /// <summary>SQHD in bits 15:0, SQID in 31:16.</summary>
    public uint Dword2;
    /// <summary>CID in bits 15:0, phase tag in bit 16, status in 31:17. Written last: it hands the entry over.</summary>
    public uint Dword3;

    /// <summary>Puts an entry together; <paramref name="status"/> is a value of <see cref="NvmeStatus"/>.</summary>
    public NvmeCompletion(uint result, ushort head, ushort queue, ushort commandId, ushort status, bool phase)
    {
        Result = result;
        Dword1 = 0;
        Dword2 = head | (uint)queue << 16;
        Dword3 = commandId | (phase ? 1u << 16 : 0) | (uint)status << 17;
    }

    /// <summary>SQHD: how far the controller has read the submission queue.</summary>
    public readonly ushort SubmissionHead => (ushort)Dword2;

    /// <summary>SQID.</summary>
    public readonly ushort SubmissionQueue => (ushort)(Dword2 >> 16);

    /// <summary>CID.</summary>
    public readonly ushort CommandId => (ushort)Dword3;

    /// <summary>P: turns over each time round the queue.</summary>
    public readonly bool Phase => (Dword3 & 1u << 16) != 0;

    /// <summary>A value of <see cref="NvmeStatus"/>, flags included.</summary>
    public readonly ushort Status => (ushort)(Dword3 >> 17);
}
