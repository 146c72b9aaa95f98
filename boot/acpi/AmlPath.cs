namespace Hv.Boot.Acpi;

/// <summary>An absolute path in the ACPI namespace (ACPI 6.5, 5.3): name segments of four characters, read as little-endian words.</summary>
public unsafe struct AmlPath
{
    /// <summary>Most segments that a path can have here.</summary>
    public const int MaxSegments = 16;

    private fixed uint _segments[MaxSegments];

    /// <summary>How many segments there are; 0 is the root.</summary>
    public int Count { get; private set; }

    /// <summary>A segment, 0 to <see cref="Count"/> - 1.</summary>
    public readonly uint this[int index] => (uint)index < (uint)Count ? _segments[index] : 0;

    /// <summary>The last segment; 0 of the root.</summary>
    public readonly uint Last => this[Count - 1];

    /// <summary>Appends a segment; false if the path is as long as it can be.</summary>
    public bool TryAppend(uint segment)
    {
        if (Count == MaxSegments)
            return false;
        _segments[Count++] = segment;
        return true;
    }

    /// <summary>Goes up by one segment; false at the root.</summary>
    public bool TryGoUp()
    {
        if (Count == 0)
            return false;
        Count--;
        return true;
    }

    /// <summary>Same path.</summary>
    public readonly bool Is(in AmlPath other) => Count == other.Count && StartsWith(in other);

    /// <summary>Whether this names something directly below <paramref name="parent"/>.</summary>
    public readonly bool IsChildOf(in AmlPath parent) => Count == parent.Count + 1 && StartsWith(in parent);

    private readonly bool StartsWith(in AmlPath other)
    {
        for (int i = 0; i < other.Count; i++)
        {
            if (this[i] != other[i])
                return false;
        }
        return true;
    }
}
