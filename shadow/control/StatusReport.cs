using System;
using System.Runtime.InteropServices;
using Hv.Drivers.Control;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Vm;
using Hv.Shadow.Blocks;
using Hv.Shadow.Machine;

namespace Hv.Shadow.Control;

/// <summary>Fills in the status block that a guest reads.</summary>
public sealed unsafe class StatusReport
{
    private const ulong NanosecondsPerMicrosecond = 1000;

    private readonly byte[] _block = new byte[StatusBlock.Size];
    private readonly byte[] _buildId;

    /// <summary>For an Hv with this build id (ASCII). While booting only.</summary>
    public StatusReport(byte[] buildId) => _buildId = buildId;

    /// <summary>The status as <paramref name="vm"/> gets it. Good until the next call.</summary>
    public ReadOnlySpan<byte> Fill(HvMachine machine, GuestVm vm)
    {
        new Span<byte>(_block).Clear();
        fixed (byte* memory = _block)
        {
            var block = (StatusBlock*)memory;
            FillState(machine, vm, block);
            FillMemory(machine, block);
            FillFork(machine, block);
            FillJournal(machine, block);
            FillExits(machine, block);
            FillQuiesce(machine, block);
            FillData(machine, block);
            FillRemapping(machine, block);
            FillPower(machine, block);
            FillTurns(machine, block);
        }
        return _block;
    }

    private void FillState(HvMachine machine, GuestVm vm, StatusBlock* block)
    {
        RebootProgress reboot = machine.Reboot;
        block->Magic = StatusBlock.ExpectedMagic;
        block->Version = StatusBlock.CurrentVersion;
        block->Length = StatusBlock.Size;
        block->Role = vm.IsShadow ? ControlRole.Shadow : vm.WasPromoted ? ControlRole.Promoted : ControlRole.Primary;
        block->Phase = reboot.Phase;
        block->Sequence = reboot.Sequence;
        block->Failure = reboot.Failure;
        block->ElapsedNanoseconds = reboot.Elapsed;
        block->PhaseNanoseconds = reboot.InPhase;
        block->TscFrequency = machine.Time.Frequency;
        block->SwitchCount = reboot.SwitchCount;
        for (int i = 0; i < (int)SwitchMark.Count; i++)
            block->SwitchMarks[i] = reboot.MarkAt((SwitchMark)i);
        _buildId.AsSpan(0, Math.Min(_buildId.Length, StatusBlock.BuildIdLength)).CopyTo(new Span<byte>(block->BuildId, StatusBlock.BuildIdLength));
        reboot.Message.Text.CopyTo(new Span<byte>(block->Message, StatusBlock.MessageLength));
        SerialLog log = machine.ShadowLog;
        block->Screen = machine.ScreenMode;
        block->LogStart = log.Oldest;
        block->LogEnd = log.Written;
    }

    private static void FillMemory(HvMachine machine, StatusBlock* block)
    {
        RebootProgress reboot = machine.Reboot;
        bool runs = machine.ShadowRuns;
        block->PagesCopied = runs ? machine.Shadow.ShadowMemory.PagesCopied : reboot.PagesCopied;
        block->PagesZeroFilled = runs ? machine.Shadow.ShadowMemory.PagesZeroFilled : reboot.PagesZeroFilled;
        block->OverlayBytes = runs ? machine.Disk!.OverlayBytes : reboot.OverlayBytes;
        block->PreservedBytes = runs ? machine.Disk!.PreservedChunks * PageSize.Small : reboot.PreservedBytes;
        block->PoolBytes = machine.Pool.TotalPages * PageSize.Small;
        block->PoolFreeBytes = machine.Pool.FreePages * PageSize.Small;
        block->HvMemoryBytes = machine.RegionBytes;
        block->ImageBytes = machine.ImageBytes;
    }

    private static void FillJournal(HvMachine machine, StatusBlock* block)
    {
        SnapshotDisk disk = machine.Disk!;
        block->Journal = (ControlJournal)disk.Journal.State;
        block->JournalBytes = (ulong)disk.Journal.Capacity * SnapshotDisk.ChunkBytes;
        block->JournaledBytes = disk.JournaledChunks * SnapshotDisk.ChunkBytes;
        block->JournalPendingBytes = (disk.State == SnapshotState.Merging ? disk.OverlayChunks + disk.PreservedChunks : disk.UnjournaledChunks) * SnapshotDisk.ChunkBytes;
    }

    private static void FillData(HvMachine machine, StatusBlock* block)
    {
        SnapshotDisk disk = machine.Disk!;
        block->LastView = machine.LastView;
        block->LastViewBytes = disk.Kept.PagesInUse * PageSize.Small;
        block->DataRangeCount = (uint)disk.DataRanges.Count;
        block->DataBytes = disk.DataRanges.Chunks * SnapshotDisk.ChunkBytes;
    }

    private static void FillPower(HvMachine machine, StatusBlock* block)
    {
        block->Power = (machine.Power.TakesResets ? PowerFlags.FastReboot : 0) | (machine.Power.TakesSuspends ? PowerFlags.Suspend : 0);
        block->FastReboots = machine.FastReboots;
        block->FastRebootNanoseconds = machine.FastRebootNanoseconds;
        block->Suspends = machine.Suspends;
    }

    private static void FillTurns(HvMachine machine, StatusBlock* block)
    {
        for (int i = 0; i < machine.Processors.Count; i++)
        {
            TurnTimes times = machine.Turns[i]!;
            block->TurnPrimaryTicks += times.Primary;
            block->TurnIdleTicks += times.ShadowInIdle;
            block->TurnShareTicks += times.ShadowByShare;
            block->TurnWaitTicks += times.Waited;
            block->TurnLostTicks += times.Lost;
        }
    }

    private static void FillFork(HvMachine machine, StatusBlock* block)
    {
        ForkFigures figures = machine.ForkFigures;
        block->WantedPoolBytes = machine.Reboot.WantedPoolBytes;
        block->ForkTicks = figures.Ticks;
        if (figures.Ticks == 0 || machine.Sharing == null)
            return;
        block->ForkMemoryTicks = figures.MemoryTicks;
        block->ForkEntries = machine.Sharing.EntriesChanged;
        block->ForkPagesShared = machine.Sharing.PagesShared;
        block->ForkPagesBroken = machine.Sharing.PagesBroken;
        block->ForkBreakTicks = figures.BreakTicks;
        block->ForkPagesCopied = machine.Sharing.IsActive ? machine.Shadow.ShadowMemory.PagesCopied : figures.PagesCopied;
    }

    private static void FillExits(HvMachine machine, StatusBlock* block)
    {
        int count = Math.Min((int)ExitReason.Count, StatusBlock.MaximumExitReasons);
        block->ExitReasonCount = (uint)count;
        for (int i = 0; i < count; i++)
        {
            block->PrimaryExits[i] = machine.Primary.CountExits(i);
            block->ShadowExits[i] = machine.Shadow.CountExits(i);
            ExitReasonNames.Of((ExitReason)i).CopyTo(
                new Span<byte>(block->ExitReasonNames + i * StatusBlock.ExitReasonNameLength, StatusBlock.ExitReasonNameLength));
        }
    }

    private static QuiesceFlags FlagsOf(QuiesceReport report) => QuiesceFlags.WasRun
        | (report.Status == Status.Ok || report.Status == Status.Unsupported ? QuiesceFlags.IsQuiet : QuiesceFlags.None)
        | (report.WasStillPending ? QuiesceFlags.WasStillPending : QuiesceFlags.None)
        | (report.WasIsolated ? QuiesceFlags.WasIsolated : QuiesceFlags.None)
        | (report.MovedBars != 0 ? QuiesceFlags.HadMovedBars : QuiesceFlags.None)
        | (report.HadVirtualFunctions ? QuiesceFlags.HadVirtualFunctions : QuiesceFlags.None)
        | (report.IsBlocked ? QuiesceFlags.IsBlocked : QuiesceFlags.None);

    private static void FillRemapping(HvMachine machine, StatusBlock* block)
    {
        block->Remapping = machine.RemappingState;
        if (machine.Quiescer?.Remapping is not { } remapping)
            return;
        remapping.CollectFaults();
        block->RemappingUnits = (byte)remapping.Units;
        block->RemappingFaults = remapping.FaultCount;
        block->LastFaultRequester = remapping.LastFault.Requester.Value;
        block->LastFaultAddress = remapping.LastFault.Address;
        block->LastFaultReason = remapping.LastFault.Reason;
        block->LastFaultIsWrite = (byte)(remapping.LastFault.IsWrite ? 1 : 0);
    }

    private static void FillQuiesce(HvMachine machine, StatusBlock* block)
    {
        if (machine.Quiescer == null)
            return;
        bool wasRun = machine.Reboot.SwitchCount != 0;
        int count = Math.Min(machine.Quiescer.Count, StatusBlock.MaximumQuiesceRecords);
        block->QuiesceCount = (uint)count;
        for (int i = 0; i < count; i++)
        {
            QuiesceReport report = machine.Quiescer.Report(i);
            QuiesceRecord record = default;
            PciFunctionInfo function = machine.Quiescer.Function(i);
            record.Address = function.Address.Value;
            record.Vendor = function.Vendor;
            record.Device = function.Device;
            record.Class = (ushort)(function.Class >> 8);
            record.Offered = (byte)machine.Quiescer.Offered(i);
            if (wasRun)
            {
                record.Tried = (byte)report.Tried;
                record.Worked = (byte)report.Worked;
                record.Flags = FlagsOf(report);
                record.Microseconds = (uint)Math.Min(report.Nanoseconds / NanosecondsPerMicrosecond, uint.MaxValue);
            }
            block->WriteQuiesce(i, in record);
        }
    }
}
