using Hv.Drivers.Control;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Shadow.Blocks;
using Hv.Shadow.Journal;

namespace Hv.Shadow.Machine;

/// <content>The disk's side of a switch: journal, commit and merge (DESIGN D13).</content>
public sealed unsafe partial class HvMachine
{
    /// <summary>Chunks of one step while guests run: what they may wait for it is one short request.</summary>
    private const uint StepChunks = 32;

    /// <summary>Chunks of one step when the guest waits for the end of the merge.</summary>
    private const uint HurryChunks = 256;

    /// <summary>Chunks of one step when no guest runs.</summary>
    private const uint LargeStepChunks = 4096;

    /// <summary>After a step of a given time, guests run undisturbed for this many times as long while a shadow boots: a fifth of the time goes to the journal at most.</summary>
    private const ulong PauseAhead = 4;

    /// <summary>The same after the switch, and when the pool runs low.</summary>
    private const ulong PauseMerging = 1;

    /// <summary>With fewer free pages than this, what the journal has is dropped from memory: 32 MiB.</summary>
    private const ulong LowPages = 8192;

    private const ulong RetryNanoseconds = 1_000_000_000;

    private bool _useJournal = true;
    private ulong _nextDiskWork;

    /// <inheritdoc/>
    public override bool HasBackgroundWork => Disk != null && Disk.State == SnapshotState.Merging;

    /// <summary>Looks for the journal's partition, and finishes what a power loss has interrupted. When the disk is taken over, or at rest.</summary>
    public Status FindJournal()
    {
        DiskJournal journal = Disk!.Journal;
        Status status = journal.Find();
        switch (journal.Recovery)
        {
            case JournalRecovery.Replayed:
                Log.Line("Hv: the power failed after a switch was committed: it has been carried out from the journal");
                break;
            case JournalRecovery.Discarded:
                Log.Line("Hv: the power failed before a switch was committed: the journal was discarded");
                break;
            case JournalRecovery.Damaged:
                Log.Line("Hv: the journal is damaged or belongs to another disk: it was discarded");
                break;
            case JournalRecovery.Failed:
                Log.Line("Hv: the disk failed while the journal was replayed, status ", (ulong)status);
                break;
        }
        if (journal.State == JournalState.Absent)
            Log.Line("Hv: no journal, status ", (ulong)status);
        else
            Log.Line("Hv: journal with room for chunks: ", journal.Capacity);
        return status;
    }

    /// <summary>Asks for another look at the partition table. A <see cref="ControlStatus"/> value, or 0.</summary>
    public ushort AskFindJournal()
    {
        if (Disk == null)
            return ControlStatus.Unavailable;
        if (Reboot.Phase != ControlPhase.Idle && Reboot.Phase != ControlPhase.Failed || Disk.State != SnapshotState.None)
            return ControlStatus.Busy;
        return FindJournal() == Status.Ok ? (ushort)0 : ControlStatus.NoJournal;
    }

    /// <summary>Why a switch now would not be safe against a power loss: a <see cref="ControlStatus"/> value, or 0 if it would.</summary>
    private ushort JournalObstacle() => Disk!.Journal.State switch
    {
        JournalState.Open => Disk.FitsJournal ? (ushort)0 : ControlStatus.JournalTooSmall,
        JournalState.TooSmall => ControlStatus.JournalTooSmall,
        _ => ControlStatus.NoJournal,
    };

    /// <summary>Writes ahead while there is a shadow, and merges after the switch, in small steps.</summary>
    private void WorkOnDisk()
    {
        if (Disk == null)
            return;
        bool merging = Disk.State == SnapshotState.Merging;
        bool isLow = Pool.FreePages < LowPages;
        if (isLow && Disk.JournaledChunks != Disk.SpilledChunks)
            _ = Disk.Spill(HurryChunks);
        bool hurry = merging && Disk.HasPromises;
        ulong began = Time.Nanoseconds;
        if (!merging && !Disk.NeedsWriteAhead || began < _nextDiskWork && !hurry)
            return;
        Status status = merging ? Disk.MergeStep(hurry ? HurryChunks : StepChunks) : Disk.WriteAhead(StepChunks);
        ulong now = Time.Nanoseconds;
        _nextDiskWork = now + (now - began) * (merging || isLow ? PauseMerging : PauseAhead);
        if (merging)
        {
            AfterMergeStep(status, now);
            Primary.FinishDiskCommands();
        }
        else if (status != Status.Ok)
            JournalTrouble(status, now);
    }

    private void AfterMergeStep(Status status, ulong now)
    {
        switch (status)
        {
            case Status.Pending:
                break;
            case Status.Ok:
                Log.Line("Hv: merged; free pages ", Pool.FreePages);
                Reboot.Settle();
                Primary.Control!.PhaseChanged();
                break;
            default:
                Log.Line("Hv: the merge is tried again, status ", (ulong)status);
                _nextDiskWork = now + RetryNanoseconds;
                break;
        }
    }

    // Now, and not in the background: no guest runs meanwhile.
    private bool FinishMerge()
    {
        while (Disk!.State == SnapshotState.Merging)
        {
            Status status = Disk.MergeStep(LargeStepChunks);
            AfterMergeStep(status, Time.Nanoseconds);
            if (status != Status.Ok && status != Status.Pending)
                return false;
        }
        return true;
    }

    private void JournalTrouble(Status status, ulong now)
    {
        if (Disk!.Journal.State == JournalState.TooSmall)
            Log.Line("Hv: the journal is too small for this shadow; chunks: ", Disk.Journal.Capacity);
        else
            Log.Line("Hv: the journal cannot be written, status ", (ulong)status);
        _nextDiskWork = now + RetryNanoseconds;
    }

    // With a journal the switch is committed and merged later; without one it is merged here and now, and a power loss may hit it half-way.
    private Status CommitDisk()
    {
        if (JournalObstacle() == 0)
        {
            Status committed = Disk!.Commit();
            if (committed == Status.Ok)
                Log.Line("Hv: committed; chunks to merge: ", Disk.OverlayChunks + Disk.PreservedChunks);
            return committed;
        }
        Status status = Disk!.BeginMerge();
        while (status is Status.Ok or Status.Pending && Disk.State == SnapshotState.Merging)
            status = Disk.MergeStep(LargeStepChunks);
        return status;
    }
}
