namespace Hv.Drivers.Platform;

/// <summary>A set of the 256 interrupt vectors, in the form of the local APIC's IRR, ISR and TMR: eight 32-bit registers.</summary>
internal sealed class VectorSet
{
    /// <summary>What <see cref="Highest"/> gives for the empty set.</summary>
    public const int None = -1;
    /// <summary>How many registers there are.</summary>
    public const int WordCount = 8;

    private readonly uint[] _words = new uint[WordCount];

    /// <summary>One of the eight registers.</summary>
    public uint this[int word]
    {
        get => _words[word];
        set => _words[word] = value;
    }

    /// <summary>The highest vector in the set, or <see cref="None"/>.</summary>
    public int Highest
    {
        get
        {
            for (int i = WordCount - 1; i >= 0; i--)
            {
                if (_words[i] != 0)
                    return i * 32 + System.Numerics.BitOperations.Log2(_words[i]);
            }
            return None;
        }
    }

    /// <summary>Whether <paramref name="vector"/> is in the set.</summary>
    public bool Has(int vector) => (_words[vector >> 5] >> (vector & 31) & 1) != 0;

    /// <summary>Puts <paramref name="vector"/> into the set.</summary>
    public void Add(int vector) => _words[vector >> 5] |= 1u << (vector & 31);

    /// <summary>Takes <paramref name="vector"/> out.</summary>
    public void Remove(int vector) => _words[vector >> 5] &= ~(1u << (vector & 31));

    /// <summary>Empties the set.</summary>
    public void Clear()
    {
        for (int i = 0; i < WordCount; i++)
            _words[i] = 0;
    }

    /// <summary>Makes the set equal to <paramref name="other"/>.</summary>
    public void CopyFrom(VectorSet other)
    {
        for (int i = 0; i < WordCount; i++)
            _words[i] = other._words[i];
    }
}
