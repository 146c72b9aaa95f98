using System.Runtime.InteropServices;

namespace Hv.Drivers.Control;

/// <summary>
/// What Hv tells a guest about itself and the shadow: 4096 bytes, little-endian, the same layout in Hv and in the guest's agent. A later version
/// only adds fields in space that is 0 now.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public unsafe struct StatusBlock
{
    /// <summary>Bytes.</summary>
    public const int Size = 4096;
    /// <summary>What <see cref="Magic"/> must be: "HvStatus".</summary>
    public const ulong ExpectedMagic = 0x7375_7461_7453_7648;
    /// <summary>What <see cref="Version"/> is now: 2 since quiesce records have 16 bytes.</summary>
    public const uint CurrentVersion = 2;
    /// <summary>Bytes of <see cref="BuildId"/>.</summary>
    public const int BuildIdLength = 32;
    /// <summary>How many exit counters there are room for.</summary>
    public const int MaximumExitReasons = 64;
    /// <summary>Bytes of one name in <see cref="ExitReasonNames"/>.</summary>
    public const int ExitReasonNameLength = 16;
    /// <summary>How many quiesce records there are room for.</summary>
    public const int MaximumQuiesceRecords = 64;
    /// <summary>Bytes of <see cref="Message"/>.</summary>
    public const int MessageLength = 128;

    /// <summary><see cref="ExpectedMagic"/>.</summary>
    [FieldOffset(0)] public ulong Magic;
    /// <summary><see cref="CurrentVersion"/> of the Hv that answers.</summary>
    [FieldOffset(8)] public uint Version;
    /// <summary><see cref="Size"/>.</summary>
    [FieldOffset(12)] public uint Length;
    /// <summary>What the VM is that asks.</summary>
    [FieldOffset(16)] public ControlRole Role;
    /// <summary>How far the shadow reboot has come.</summary>
    [FieldOffset(20)] public ControlPhase Phase;
    /// <summary>Grows with each change of <see cref="Phase"/>.</summary>
    [FieldOffset(24)] public uint Sequence;
    /// <summary>Why the last shadow came to nothing.</summary>
    [FieldOffset(28)] public ControlFailure Failure;

    /// <summary>Time since the shadow reboot began, until now or its end.</summary>
    [FieldOffset(32)] public ulong ElapsedNanoseconds;
    /// <summary>Time since the phase began.</summary>
    [FieldOffset(40)] public ulong PhaseNanoseconds;
    /// <summary>How much of <see cref="ProgressTotal"/> is done in this phase.</summary>
    [FieldOffset(48)] public ulong ProgressDone;
    /// <summary>How much there is to do in this phase; 0 if not known.</summary>
    [FieldOffset(56)] public ulong ProgressTotal;

    /// <summary>4 KiB pages that the shadow has copied.</summary>
    [FieldOffset(64)] public ulong PagesCopied;
    /// <summary>4 KiB pages that the shadow was given zeroed.</summary>
    [FieldOffset(72)] public ulong PagesZeroFilled;
    /// <summary>Disk bytes that the shadow has written.</summary>
    [FieldOffset(80)] public ulong OverlayBytes;
    /// <summary>Old disk contents kept because the primary overwrote them.</summary>
    [FieldOffset(88)] public ulong PreservedBytes;
    /// <summary>The pool.</summary>
    [FieldOffset(96)] public ulong PoolBytes;
    /// <summary>What is free of the pool.</summary>
    [FieldOffset(104)] public ulong PoolFreeBytes;
    /// <summary>Hv's own memory without the pool.</summary>
    [FieldOffset(112)] public ulong HvMemoryBytes;
    /// <summary>The size of Hv's EFI image.</summary>
    [FieldOffset(120)] public ulong ImageBytes;
    /// <summary>Hv's build id in ASCII, filled up with zeros.</summary>
    [FieldOffset(128)] public fixed byte BuildId[BuildIdLength];

    /// <summary>Ticks of the time-stamp counter in a second: the unit of <see cref="SwitchMarks"/>.</summary>
    [FieldOffset(160)] public ulong TscFrequency;
    /// <summary>The time-stamp counter at the moments of the last switch, by <see cref="SwitchMark"/>; 0 if not reached.</summary>
    [FieldOffset(168)] public fixed ulong SwitchMarks[16];
    /// <summary>How many switches there have been since Hv was started.</summary>
    [FieldOffset(296)] public ulong SwitchCount;
    /// <summary>The offset of the first byte of the shadow's serial log that is still there.</summary>
    [FieldOffset(304)] public ulong LogStart;
    /// <summary>The offset behind its last byte.</summary>
    [FieldOffset(312)] public ulong LogEnd;
    /// <summary>How many of the exit counters are in use.</summary>
    [FieldOffset(320)] public uint ExitReasonCount;
    /// <summary>How many quiesce records are in use.</summary>
    [FieldOffset(324)] public uint QuiesceCount;

    /// <summary>Exits of the machine's system by reason.</summary>
    [FieldOffset(384)] public fixed ulong PrimaryExits[MaximumExitReasons];
    /// <summary>Exits of the shadow (after a switch: of the shadow that it was) by reason.</summary>
    [FieldOffset(896)] public fixed ulong ShadowExits[MaximumExitReasons];
    /// <summary>The names of the exit reasons, 16 bytes each, ASCII in lower case with underscores, filled up with zeros.</summary>
    [FieldOffset(1408)] public fixed byte ExitReasonNames[MaximumExitReasons * ExitReasonNameLength];
    /// <summary>The <see cref="QuiesceRecord"/>s of the passed-through functions, one after the other.</summary>
    [FieldOffset(2432)] public fixed byte QuiesceRecords[MaximumQuiesceRecords * QuiesceRecord.Size];
    /// <summary>A sentence or two about <see cref="Failure"/> in ASCII, filled up with zeros; empty if there is nothing to add.</summary>
    [FieldOffset(3456)] public fixed byte Message[MessageLength];
    /// <summary>What the journal is good for.</summary>
    [FieldOffset(3584)] public ControlJournal Journal;
    /// <summary>How many bytes of chunks it can take.</summary>
    [FieldOffset(3592)] public ulong JournalBytes;
    /// <summary>How many of the shadow's bytes it has.</summary>
    [FieldOffset(3600)] public ulong JournaledBytes;
    /// <summary>How many it does not have yet; after the switch, how many are not at their places yet.</summary>
    [FieldOffset(3608)] public ulong JournalPendingBytes;

    /// <summary>How long the last fork stopped this system, in ticks of the time-stamp counter; 0 if the last shadow was no fork.</summary>
    [FieldOffset(3648)] public ulong ForkTicks;
    /// <summary>The part of it that the memory took.</summary>
    [FieldOffset(3656)] public ulong ForkMemoryTicks;
    /// <summary>Page-table entries that the fork changed.</summary>
    [FieldOffset(3664)] public ulong ForkEntries;
    /// <summary>4 KiB pages that the fork shared.</summary>
    [FieldOffset(3672)] public ulong ForkPagesShared;
    /// <summary>Of these, the ones whose sharing this system's writes have ended.</summary>
    [FieldOffset(3680)] public ulong ForkPagesBroken;
    /// <summary>What that took in all, in ticks of the time-stamp counter.</summary>
    [FieldOffset(3688)] public ulong ForkBreakTicks;
    /// <summary>Pages that the fork copied while it shut down, because it wrote to them.</summary>
    [FieldOffset(3696)] public ulong ForkPagesCopied;
    /// <summary>After <see cref="ControlFailure.OutOfMemory"/>: bytes of a pool that would have been enough, else 0.</summary>
    [FieldOffset(3704)] public ulong WantedPoolBytes;

    /// <summary>What has become of the old primary's last view of the disk.</summary>
    [FieldOffset(3712)] public LastViewState LastView;
    /// <summary>How many ranges of the disk are data: there the primary's writes win.</summary>
    [FieldOffset(3716)] public uint DataRangeCount;
    /// <summary>Bytes in these ranges.</summary>
    [FieldOffset(3720)] public ulong DataBytes;
    /// <summary>Bytes of memory that the last view takes.</summary>
    [FieldOffset(3728)] public ulong LastViewBytes;

    /// <summary>What <see cref="ControlOpcode.ReadScreen"/> reads; all 0 if there is no screen.</summary>
    [FieldOffset(3736)] public ScreenMode Screen;

    /// <summary>What Hv does about resets and sleep.</summary>
    [FieldOffset(3840)] public PowerFlags Power;
    /// <summary>Resets of the machine that Hv has answered.</summary>
    [FieldOffset(3844)] public uint FastReboots;
    /// <summary>What the last one took, up to the boot loader's start.</summary>
    [FieldOffset(3848)] public ulong FastRebootNanoseconds;
    /// <summary>Suspends to RAM from which the machine came back under Hv.</summary>
    [FieldOffset(3856)] public uint Suspends;
    /// <summary>What has become of the machine's DMA remapping units.</summary>
    [FieldOffset(3904)] public RemappingState Remapping;
    /// <summary>How many of them Hv uses.</summary>
    [FieldOffset(3908)] public byte RemappingUnits;
    /// <summary>Why the last refused request was refused, as the unit says it: the fault reason of VT-d, the event code of AMD-Vi.</summary>
    [FieldOffset(3909)] public byte LastFaultReason;
    /// <summary>1 if the last refused request would have written, else 0.</summary>
    [FieldOffset(3910)] public byte LastFaultIsWrite;
    /// <summary>Whose request it was: bus in bits 15:8, device in 7:3, function in 2:0.</summary>
    [FieldOffset(3928)] public ushort LastFaultRequester;
    /// <summary>How many requests of devices the units have refused, as far as they have recorded them; if 0, there is no last one.</summary>
    [FieldOffset(3912)] public ulong RemappingFaults;
    /// <summary>The address of the last one, host-physical.</summary>
    [FieldOffset(3920)] public ulong LastFaultAddress;

    /// <summary>
    /// Where the processors' time has gone, all together, since the last shadow was started and until it ended, in ticks of the time-stamp counter: this system ran,
    /// or Hv for it.
    /// </summary>
    [FieldOffset(3936)] public ulong TurnPrimaryTicks;
    /// <summary>The shadow ran while this system was idle.</summary>
    [FieldOffset(3944)] public ulong TurnIdleTicks;
    /// <summary>The shadow ran though this system was busy.</summary>
    [FieldOffset(3952)] public ulong TurnShareTicks;
    /// <summary>Neither had anything to do.</summary>
    [FieldOffset(3960)] public ulong TurnWaitTicks;
    /// <summary>This system was idle and the shadow had something to do, but it did not run.</summary>
    [FieldOffset(3968)] public ulong TurnLostTicks;

    /// <summary>Quiesce record <paramref name="index"/>, 0 to <see cref="MaximumQuiesceRecords"/> - 1.</summary>
    public QuiesceRecord ReadQuiesce(int index)
    {
        fixed (byte* records = QuiesceRecords)
            return ((QuiesceRecord*)records)[index & (MaximumQuiesceRecords - 1)];
    }

    /// <summary>Sets quiesce record <paramref name="index"/>, 0 to <see cref="MaximumQuiesceRecords"/> - 1.</summary>
    public void WriteQuiesce(int index, in QuiesceRecord record)
    {
        fixed (byte* records = QuiesceRecords)
            ((QuiesceRecord*)records)[index & (MaximumQuiesceRecords - 1)] = record;
    }
}
