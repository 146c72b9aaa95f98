using System;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>The data buffer of an admin command in guest memory: bytes from 0 to <see cref="Length"/>, wherever the PRP entries put them.</summary>
/// <remarks>Holds guest-physical addresses and translates them anew on each access, so it may be kept until the command completes.</remarks>
public sealed unsafe class GuestBuffer
{
    /// <summary>The longest buffer in bytes.</summary>
    public const uint MaxBytes = 512 * 1024;

    private readonly ulong[] _pages = new ulong[MaxBytes / PageSize.Small + 1];
    private GuestMemory? _memory;
    private uint _firstOffset;

    /// <summary>The length in bytes.</summary>
    public uint Length { get; private set; }

    /// <summary>Copies out of the guest's buffer; false, with <paramref name="to"/> in part written, if the range is not in it or has no memory.</summary>
    public bool TryRead(uint offset, Span<byte> to)
    {
        if (!Contains(offset, to.Length))
            return false;
        while (to.Length != 0)
        {
            byte* from = Find(offset, write: false, out uint room);
            if (from == null)
                return false;
            int part = (int)Math.Min(room, (uint)to.Length);
            new ReadOnlySpan<byte>(from, part).CopyTo(to);
            to = to.Slice(part);
            offset += (uint)part;
        }
        return true;
    }

    /// <summary>Copies into the guest's buffer; false, with the buffer in part written, if the range is not in it or has no memory.</summary>
    public bool TryWrite(uint offset, ReadOnlySpan<byte> from)
    {
        if (!Contains(offset, from.Length))
            return false;
        while (from.Length != 0)
        {
            byte* to = Find(offset, write: true, out uint room);
            if (to == null)
                return false;
            int part = (int)Math.Min(room, (uint)from.Length);
            from.Slice(0, part).CopyTo(new Span<byte>(to, part));
            from = from.Slice(part);
            offset += (uint)part;
        }
        return true;
    }

    /// <summary>Fills a range with zeroes; false as for <see cref="TryWrite"/>.</summary>
    public bool TryClear(uint offset, uint bytes)
    {
        if (!Contains(offset, (int)Math.Min(bytes, int.MaxValue)))
            return false;
        while (bytes != 0)
        {
            byte* to = Find(offset, write: true, out uint room);
            if (to == null)
                return false;
            uint part = Math.Min(room, bytes);
            new Span<byte>(to, (int)part).Clear();
            bytes -= part;
            offset += part;
        }
        return true;
    }

    /// <summary>Describes the buffer of <paramref name="command"/>; Success, or what is wrong with its PRP entries.</summary>
    internal ushort Map(GuestMemory memory, in NvmeCommand command, uint bytes)
    {
        _memory = memory;
        Length = 0;
        if (bytes > MaxBytes)
            return NvmeStatus.InvalidField;
        var walker = new PrpWalker(memory, command.Prp1, command.Prp2, bytes);
        for (int i = 0; !walker.IsAtEnd; i++)
        {
            ushort status = walker.Next(out GuestPhysical address, out _);
            if (status != NvmeStatus.Success)
                return status;
            if (i == 0)
                _firstOffset = address.PageOffset;
            _pages[i] = address.PageBase.Value;
        }
        Length = bytes;
        return NvmeStatus.Success;
    }

    /// <summary>The same addresses in another VM's memory.</summary>
    internal void CopyFrom(GuestBuffer other, GuestMemory memory)
    {
        _memory = memory;
        _firstOffset = other._firstOffset;
        Length = other.Length;
        for (int i = 0; i < _pages.Length; i++)
            _pages[i] = other._pages[i];
    }

    /// <summary>The VM's memory has become another one; the addresses stay.</summary>
    internal void Rebind(GuestMemory memory) => _memory = memory;

    private bool Contains(uint offset, int bytes) => offset <= Length && (uint)bytes <= Length - offset;

    /// <summary>The byte at <paramref name="offset"/>, and how many follow it in its page.</summary>
    private byte* Find(uint offset, bool write, out uint room)
    {
        uint at = _firstOffset + offset;
        uint inPage = at & (PageSize.Small - 1);
        room = PageSize.Small - inPage;
        byte* page = _memory!.Page(new GuestPhysical(_pages[at >> PageSize.SmallShift]), write);
        return page == null ? null : page + inPage;
    }
}
