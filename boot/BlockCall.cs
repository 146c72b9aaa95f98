using System.Runtime.InteropServices;

namespace Hv.Boot;

/// <summary>One request of the firmware's block I/O protocol to Hv. Lives in the loader's memory.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlockCall
{
    /// <summary>Read, write, flush: values of <see cref="Operation"/>.</summary>
    public const uint Read = 0, Write = 1, Flush = 2;

    /// <summary>What to do.</summary>
    public uint Operation;
    /// <summary>First sector.</summary>
    public ulong Sector;
    /// <summary>How many sectors.</summary>
    public ulong Count;
    /// <summary>The buffer, guest-physical and contiguous.</summary>
    public ulong Buffer;
}
