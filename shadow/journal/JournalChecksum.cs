using System;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Hv.Shadow.Journal;

/// <summary>
/// The checksum of everything in the journal: 64 bits, each step a one-to-one function of what came before, so that a difference in one word
/// always shows. It guards against torn and lost writes, not against forgery: who can write to the disk owns it anyway.
/// </summary>
public static class JournalChecksum
{
    // Odd, so that multiplying loses nothing: 2^64 divided by the golden ratio.
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;
    private const int Rotation = 29;

    /// <summary>The checksum of <paramref name="bytes"/>, a multiple of 8 of them, continuing from <paramref name="seed"/>.</summary>
    public static ulong Compute(ReadOnlySpan<byte> bytes, ulong seed = 1)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        ulong sum = seed;
        for (int i = 0; i < words.Length; i++)
            sum = Add(sum, words[i]);
        return sum;
    }

    /// <summary>One more word.</summary>
    public static ulong Add(ulong sum, ulong word) => BitOperations.RotateLeft((sum ^ word) * Multiplier, Rotation);
}
