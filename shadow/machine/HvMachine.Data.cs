using System;
using Hv.Drivers.Control;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Shadow.Blocks;
using Hv.Shadow.Control;

namespace Hv.Shadow.Machine;

/// <content>Whose blocks win (DESIGN D12): data ranges, and the old primary's last view of the disk.</content>
public sealed unsafe partial class HvMachine
{
    private bool _keepsLastView;
    private bool _releaseAsked;

    /// <summary>What has become of the last view.</summary>
    public LastViewState LastView => Disk == null ? LastViewState.None : Disk.Kept.State switch
    {
        KeptState.Kept => LastViewState.Present,
        KeptState.Lost => LastViewState.Lost,
        _ => LastViewState.None,
    };

    /// <summary>
    /// Takes the table of <see cref="ControlOpcode.SetData"/> for the next shadow. An NVMe status value, 0 if it holds now; else nothing is data.
    /// </summary>
    public ushort SetData(GuestBuffer table)
    {
        if (Disk == null)
            return ControlStatus.Unavailable;
        if (Disk.State != SnapshotState.None || _startAsked || LastView != LastViewState.None)
            return ControlStatus.Busy;
        return DataCommand.Apply(table, Disk.DataRanges, out _keepsLastView);
    }

    /// <summary>Asks for the end of the last view; it is gone a moment later. An NVMe status value.</summary>
    public ushort AskReleaseLastView()
    {
        _releaseAsked = LastView != LastViewState.None;
        NeedsAttention |= _releaseAsked;
        return NvmeStatus.Success;
    }

    // Half of the pool at most: what remains must do for the system until its agent has carried files over.
    private void KeepLastView()
    {
        if (_keepsLastView && LastView == LastViewState.None)
            _ = Disk!.Kept.Keep(Pool.TotalPages / 2);
    }

    // Before the promoted system runs on, with its controller paused.
    private void ShowLastView(GuestVm promoted)
    {
        if (LastView == LastViewState.None)
            return;
        ReadOnlySpan<byte> name = "Hv primary view\0"u8;
        _ = promoted.Nvme!.AttachNamespace(DataTable.LastViewNamespace, Disk!.PrimaryLastView, readOnly: true, name);
        Log.Line("Hv: last view kept; chunks ", Disk.Kept.KeptChunks);
    }

    // Taking the namespace away pauses the controller, which waits for all commands: a flush may only be answered at the end of the merge.
    private bool MayDropLastView => _releaseAsked && !HasBackgroundWork;

    private void DropLastView()
    {
        _releaseAsked = false;
        if (LastView == LastViewState.None)
            return;
        VirtualNvmeController controller = Primary.Nvme!;
        controller.Pause();
        _ = controller.DetachNamespace(DataTable.LastViewNamespace);
        Disk!.Kept.Release();
        controller.Resume();
        Log.Line("Hv: last view released; free pages ", Pool.FreePages);
    }
}
