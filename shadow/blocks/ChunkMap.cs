using System.Numerics;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Blocks;

/// <summary>A sparse table from chunk number to <see cref="ChunkEntry"/>: a radix tree whose nodes are pages of the pool, 256 entries in a leaf.</summary>
internal sealed unsafe class ChunkMap
{
    private const int BitsPerLevel = 9, LeafBits = 8;
    private const int EntriesPerNode = 1 << BitsPerLevel, EntriesPerLeaf = 1 << LeafBits;

    private readonly PageSource _pages;
    private readonly ulong _chunks;
    private readonly int _levels;
    private ulong* _root;

    /// <summary>An empty map of <paramref name="chunks"/> chunks; nodes come from <paramref name="pages"/>.</summary>
    public ChunkMap(PageSource pages, ulong chunks)
    {
        _pages = pages;
        _chunks = chunks;
        int bits = chunks > 1 ? BitOperations.Log2(chunks - 1) + 1 : 1;
        _levels = bits <= LeafBits ? 1 : 1 + (bits - LeafBits + BitsPerLevel - 1) / BitsPerLevel;
    }

    /// <summary>Pages that the map itself takes up.</summary>
    public ulong Nodes { get; private set; }

    /// <summary>The entry of a chunk.</summary>
    public ChunkEntry Get(ulong chunk)
    {
        ulong* node = _root;
        for (int level = _levels - 1; level > 0 && node != null; level--)
            node = (ulong*)node[Index(chunk, level)];
        return node == null ? default : ((ChunkEntry*)node)[Index(chunk, 0)];
    }

    /// <summary>The place of a chunk's entry, made if need be. Good until <see cref="Clear"/>. Null if no page is left for it.</summary>
    public ChunkEntry* Slot(ulong chunk)
    {
        if (_root == null)
            _root = TakeNode();
        ulong* node = _root;
        for (int level = _levels - 1; level > 0 && node != null; level--)
        {
            ulong* place = node + Index(chunk, level);
            if (*place == 0)
                *place = (ulong)TakeNode();
            node = (ulong*)*place;
        }
        return node == null ? null : (ChunkEntry*)node + Index(chunk, 0);
    }

    /// <summary>Moves <paramref name="chunk"/> on to the first mapped chunk that is not before it. False if there is none.</summary>
    public bool TryFindNext(ref ulong chunk)
    {
        while (_root != null && chunk < _chunks)
        {
            ulong* node = _root;
            int level = _levels - 1;
            while (level > 0 && node[Index(chunk, level)] != 0)
                node = (ulong*)node[Index(chunk, level--)];
            if (level == 0 && ((ChunkEntry*)node)[Index(chunk, 0)].IsMapped)
                return true;
            int shift = level == 0 ? 0 : Shift(level);
            chunk = ((chunk >> shift) + 1) << shift;
        }
        return false;
    }

    /// <summary>Empties the map, and gives back its nodes and the chunks' pages.</summary>
    public void Clear()
    {
        if (_root != null)
            Free(_root, _levels - 1);
        _root = null;
        Nodes = 0;
    }

    private static int Shift(int level) => LeafBits + (level - 1) * BitsPerLevel;

    private static int Index(ulong chunk, int level) =>
        level == 0 ? (int)chunk & (EntriesPerLeaf - 1) : (int)(chunk >> Shift(level)) & (EntriesPerNode - 1);

    private ulong* TakeNode()
    {
        byte* page = _pages.TakePage();
        if (page != null)
            Nodes++;
        return (ulong*)page;
    }

    /// <summary>As deep as the tree: 7 levels at most.</summary>
    private void Free(ulong* node, int level)
    {
        for (int i = 0; level > 0 && i < EntriesPerNode; i++)
        {
            if (node[i] != 0)
                Free((ulong*)node[i], level - 1);
        }
        for (int i = 0; level == 0 && i < EntriesPerLeaf; i++)
        {
            ChunkEntry entry = ((ChunkEntry*)node)[i];
            if (entry.HasPage)
                _pages.ReturnPage(entry.Page);
        }
        _pages.ReturnPage((byte*)node);
    }
}
