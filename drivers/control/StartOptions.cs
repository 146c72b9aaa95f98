using System;

namespace Hv.Drivers.Control;

/// <summary>What <see cref="ControlOpcode.Start"/> is asked for, as both sides see it.</summary>
public readonly struct StartOptions
{
    private const uint MostPercent = 100;
    private const uint KnownFlags = ControlOpcode.StartCold | ControlOpcode.StartWithoutJournal | ControlOpcode.StartWithoutShare;

    /// <summary>Dwords 12, 13 and 14 of the command.</summary>
    public readonly uint Dword12, Dword13, Dword14;

    /// <summary>Takes the dwords of a command, or what is to become them.</summary>
    public StartOptions(uint share, uint flags = 0, uint seconds = 0)
    {
        Dword12 = share;
        Dword13 = flags;
        Dword14 = seconds;
    }

    /// <summary>The least share of the processors for the shadow, in percent; 0 for Hv's default.</summary>
    public uint Share => Math.Min(Dword12, MostPercent);

    /// <summary>The shadow gets idle time only, whatever <see cref="Share"/> says.</summary>
    public bool HasNoShare => (Dword13 & ControlOpcode.StartWithoutShare) != 0;

    /// <summary>After how many seconds a shadow that is not ready is thrown away; 0 for Hv's default.</summary>
    public uint Seconds => Dword14;

    /// <summary>The shadow starts from the boot snapshot; it is no fork.</summary>
    public bool IsCold => (Dword13 & ControlOpcode.StartCold) != 0;

    /// <summary>The journal is left alone.</summary>
    public bool IsWithoutJournal => (Dword13 & ControlOpcode.StartWithoutJournal) != 0;

    /// <summary>Whether a flag is set that has no meaning.</summary>
    public bool HasUnknownFlags => (Dword13 & ~KnownFlags) != 0;
}
