using System;
using System.Threading;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>Goes through the memory that a command's PRP entries describe, page by page (NVM Express 1.4, 4.3).</summary>
/// <remarks>Each list entry is read from guest memory once. The caller has bounded the length, so lists cannot be followed for ever.</remarks>
internal unsafe struct PrpWalker
{
    private const uint EntriesPerPage = PageSize.Small / sizeof(ulong);

    private readonly GuestMemory _memory;
    private readonly ulong _prp1;
    private readonly ulong _prp2;
    private ulong _left;
    private GuestPhysical _list;
    private uint _piece;

    /// <summary>Starts at the first of <paramref name="bytes"/> bytes.</summary>
    public PrpWalker(GuestMemory memory, ulong prp1, ulong prp2, ulong bytes)
    {
        _memory = memory;
        _prp1 = prp1;
        _prp2 = prp2;
        _left = bytes;
        _list = default;
        _piece = 0;
    }

    /// <summary>Whether everything has been gone through.</summary>
    public readonly bool IsAtEnd => _left == 0;

    /// <summary>The next piece, which lies within one page; Success, or why there is none.</summary>
    public ushort Next(out GuestPhysical address, out uint bytes)
    {
        bytes = 0;
        ushort status = NextEntry(out address);
        if (status != NvmeStatus.Success)
            return status;
        bytes = (uint)Math.Min(_left, PageSize.Small - address.PageOffset);
        _left -= bytes;
        _piece++;
        return NvmeStatus.Success;
    }

    private ushort NextEntry(out GuestPhysical address)
    {
        address = new GuestPhysical(_prp1);
        if (_piece == 0)
            return (_prp1 & 3) == 0 ? NvmeStatus.Success : NvmeStatus.InvalidPrpOffset;
        if (_piece == 1)
        {
            address = new GuestPhysical(_prp2);
            if (_left <= PageSize.Small)
                return PageAligned(address);
            if ((_prp2 & 7) != 0)
                return NvmeStatus.InvalidPrpOffset;
            _list = address;
        }
        ushort status = ReadListEntry(out address);
        if (status != NvmeStatus.Success)
            return status;
        bool lastInPage = (_list.PageOffset / sizeof(ulong)) == 0;
        if (lastInPage && _left > PageSize.Small)
        {
            // The last entry of a list page points to the rest of the list.
            status = PageAligned(address);
            if (status != NvmeStatus.Success)
                return status;
            _list = address;
            status = ReadListEntry(out address);
            if (status != NvmeStatus.Success)
                return status;
        }
        return PageAligned(address);
    }

    private ushort ReadListEntry(out GuestPhysical address)
    {
        byte* page = _memory.Page(_list, write: false);
        if (page == null)
        {
            address = default;
            return NvmeStatus.DataTransferError;
        }
        address = new GuestPhysical(Volatile.Read(ref *(ulong*)(page + _list.PageOffset)));
        _list += sizeof(ulong);
        return NvmeStatus.Success;
    }

    private static ushort PageAligned(GuestPhysical address) =>
        address.PageOffset == 0 ? NvmeStatus.Success : NvmeStatus.InvalidPrpOffset;
}
