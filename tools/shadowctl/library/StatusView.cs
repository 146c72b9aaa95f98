using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>A status block as managed values.</summary>
public sealed unsafe class StatusView
{
    private readonly StatusBlock _block;

    /// <summary>Takes a status block apart.</summary>
    public StatusView(in StatusBlock block)
    {
        _block = block;
        fixed (StatusBlock* at = &_block)
        {
            BuildId = Names.Text(new ReadOnlySpan<byte>(at->BuildId, StatusBlock.BuildIdLength));
            Message = Names.Text(new ReadOnlySpan<byte>(at->Message, StatusBlock.MessageLength));
            PrimaryExits = Exits(at, at->PrimaryExits);
            ShadowExits = Exits(at, at->ShadowExits);
            SwitchMarks = Marks(at);
        }
    }

    /// <summary>The block itself.</summary>
    public ref readonly StatusBlock Block => ref _block;

    /// <summary>Hv's build id.</summary>
    public string BuildId { get; }

    /// <summary>What Hv adds to a failure.</summary>
    public string Message { get; }

    /// <summary>Exits of the machine's system by name of the reason; without those that did not happen.</summary>
    public IReadOnlyList<KeyValuePair<string, ulong>> PrimaryExits { get; }

    /// <summary>Exits of the shadow by name of the reason; without those that did not happen.</summary>
    public IReadOnlyList<KeyValuePair<string, ulong>> ShadowExits { get; }

    /// <summary>The moments of the last switch by name, in seconds after the command; without those that were not reached.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> SwitchMarks { get; }

    /// <summary>The failure, what Hv adds to it and what can be done, as sentences.</summary>
    public string Explanation => string.Join(' ',
        new[] { Names.Explain(_block.Failure), PoolSizes, Message, Names.Advice(_block.Failure) }.Where(sentence => sentence.Length != 0));

    private string PoolSizes => _block.Failure != ControlFailure.OutOfMemory || _block.WantedPoolBytes == 0 ? ""
        : $"It has {_block.PoolBytes >> 20} MiB; {(_block.WantedPoolBytes + (1 << 20) - 1) >> 20} MiB would have been enough.";

    /// <summary>The progress in the phase in percent; null if not known.</summary>
    public double? Percent => _block.ProgressTotal == 0 ? null : Math.Min(100, 100.0 * _block.ProgressDone / _block.ProgressTotal);

    /// <summary>Writes the members of a JSON object.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("role", Names.Of(_block.Role));
        json.WriteString("phase", Names.Of(_block.Phase));
        json.WriteString("failure", Names.Of(_block.Failure));
        json.WriteString("message", Message);
        json.WriteString("explanation", _block.Failure == ControlFailure.None ? "" : Explanation);
        json.WriteNumber("elapsed_seconds", Seconds(_block.ElapsedNanoseconds));
        json.WriteNumber("phase_seconds", Seconds(_block.PhaseNanoseconds));
        if (Percent is { } percent)
            json.WriteNumber("phase_percent", Math.Round(percent, 1));
        else
            json.WriteNull("phase_percent");
        json.WriteNumber("pages_copied", _block.PagesCopied);
        json.WriteNumber("pages_zero_filled", _block.PagesZeroFilled);
        json.WriteNumber("overlay_bytes", _block.OverlayBytes);
        json.WriteNumber("preserved_bytes", _block.PreservedBytes);
        json.WriteString("journal", Names.Of(_block.Journal));
        json.WriteNumber("journal_bytes", _block.JournalBytes);
        json.WriteNumber("journaled_bytes", _block.JournaledBytes);
        json.WriteNumber("journal_pending_bytes", _block.JournalPendingBytes);
        json.WriteNumber("pool_bytes", _block.PoolBytes);
        json.WriteNumber("pool_free_bytes", _block.PoolFreeBytes);
        json.WriteNumber("wanted_pool_bytes", _block.WantedPoolBytes);
        WriteFork(json);
        WriteTurns(json);
        json.WriteNumber("hv_memory_bytes", _block.HvMemoryBytes);
        json.WriteNumber("efi_image_bytes", _block.ImageBytes);
        json.WriteString("build_id", BuildId);
        json.WriteBoolean("fast_reboot", _block.Power.HasFlag(PowerFlags.FastReboot));
        json.WriteNumber("fast_reboots", _block.FastReboots);
        json.WriteNumber("fast_reboot_seconds", Seconds(_block.FastRebootNanoseconds));
        json.WriteBoolean("suspend", _block.Power.HasFlag(PowerFlags.Suspend));
        json.WriteNumber("suspends", _block.Suspends);
        json.WriteNumber("switches", _block.SwitchCount);
        json.WriteString("last_view", Names.Of(_block.LastView));
        json.WriteNumber("last_view_bytes", _block.LastViewBytes);
        json.WriteNumber("data_ranges", _block.DataRangeCount);
        json.WriteNumber("data_bytes", _block.DataBytes);
        json.WriteStartObject("switch_seconds");
        foreach (KeyValuePair<string, double> mark in SwitchMarks)
            json.WriteNumber(mark.Key, mark.Value);
        json.WriteEndObject();
        json.WriteStartObject("exits");
        WriteExits(json, "primary", PrimaryExits);
        WriteExits(json, "shadow", ShadowExits);
        json.WriteEndObject();
        json.WriteStartArray("devices");
        for (int i = 0; i < QuiesceCount; i++)
            WriteDevice(json, _block.ReadQuiesce(i));
        json.WriteEndArray();
        WriteRemapping(json);
    }

    /// <summary>How many quiesce records there are.</summary>
    public int QuiesceCount => (int)Math.Min(_block.QuiesceCount, StatusBlock.MaximumQuiesceRecords);

    internal static double Seconds(ulong nanoseconds) => nanoseconds / 1e9;

    /// <summary>Ticks of the time-stamp counter in microseconds.</summary>
    internal double Microseconds(ulong ticks) => _block.TscFrequency == 0 ? 0 : ticks * 1e6 / _block.TscFrequency;

    private void WriteFork(Utf8JsonWriter json)
    {
        if (_block.ForkTicks == 0)
        {
            json.WriteNull("fork");
            return;
        }
        json.WriteStartObject("fork");
        json.WriteNumber("pause_ticks", _block.ForkTicks);
        json.WriteNumber("pause_microseconds", Math.Round(Microseconds(_block.ForkTicks), 1));
        json.WriteNumber("memory_ticks", _block.ForkMemoryTicks);
        json.WriteNumber("memory_microseconds", Math.Round(Microseconds(_block.ForkMemoryTicks), 1));
        json.WriteNumber("entries_changed", _block.ForkEntries);
        json.WriteNumber("pages_shared", _block.ForkPagesShared);
        json.WriteNumber("pages_broken", _block.ForkPagesBroken);
        json.WriteNumber("break_ticks", _block.ForkBreakTicks);
        json.WriteNumber("pages_copied", _block.ForkPagesCopied);
        json.WriteEndObject();
    }

    /// <summary>The part of this system's idle time in which the shadow ran, of all that it could have used, in percent; null if there was none.</summary>
    public double? IdleUsePercent => _block.TurnIdleTicks + _block.TurnLostTicks is var usable and not 0 ? 100.0 * _block.TurnIdleTicks / usable : null;

    /// <summary>Ticks of the time-stamp counter in seconds.</summary>
    internal double TickSeconds(ulong ticks) => Microseconds(ticks) / 1e6;

    private void WriteTurns(Utf8JsonWriter json)
    {
        json.WriteStartObject("turns");
        json.WriteNumber("primary_seconds", Math.Round(TickSeconds(_block.TurnPrimaryTicks), 6));
        json.WriteNumber("shadow_in_idle_seconds", Math.Round(TickSeconds(_block.TurnIdleTicks), 6));
        json.WriteNumber("shadow_by_share_seconds", Math.Round(TickSeconds(_block.TurnShareTicks), 6));
        json.WriteNumber("waited_seconds", Math.Round(TickSeconds(_block.TurnWaitTicks), 6));
        json.WriteNumber("lost_seconds", Math.Round(TickSeconds(_block.TurnLostTicks), 6));
        if (IdleUsePercent is { } percent)
            json.WriteNumber("idle_use_percent", Math.Round(percent, 2));
        else
            json.WriteNull("idle_use_percent");
        json.WriteEndObject();
    }

    private void WriteRemapping(Utf8JsonWriter json)
    {
        json.WriteStartObject("dma_remapping");
        json.WriteString("state", Names.Of(_block.Remapping));
        json.WriteNumber("units", _block.RemappingUnits);
        json.WriteNumber("faults", _block.RemappingFaults);
        if (_block.RemappingFaults != 0)
        {
            json.WriteStartObject("last_fault");
            json.WriteString("device", Names.PciAddress(_block.LastFaultRequester));
            json.WriteString("address", $"{_block.LastFaultAddress:x}");
            json.WriteBoolean("write", _block.LastFaultIsWrite != 0);
            json.WriteNumber("reason", _block.LastFaultReason);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteExits(Utf8JsonWriter json, string name, IReadOnlyList<KeyValuePair<string, ulong>> exits)
    {
        json.WriteStartObject(name);
        foreach (KeyValuePair<string, ulong> exit in exits)
            json.WriteNumber(exit.Key, exit.Value);
        json.WriteEndObject();
    }

    private static void WriteDevice(Utf8JsonWriter json, QuiesceRecord record)
    {
        json.WriteStartObject();
        json.WriteString("address", Names.PciAddress(record.Address));
        json.WriteString("id", $"{record.Vendor:x4}:{record.Device:x4}");
        json.WriteString("class", $"{record.Class:x4}");
        json.WriteStartArray("offered");
        foreach (string method in Names.ResetMethods(record.Offered))
            json.WriteStringValue(method);
        json.WriteEndArray();
        if (record.Has(QuiesceFlags.WasRun))
        {
            json.WriteBoolean("quiet", record.Has(QuiesceFlags.IsQuiet));
            json.WriteString("reset", Names.ResetMethod(record.Worked));
            json.WriteBoolean("was_still_pending", record.Has(QuiesceFlags.WasStillPending));
            json.WriteBoolean("was_isolated", record.Has(QuiesceFlags.WasIsolated));
            json.WriteBoolean("is_blocked", record.Has(QuiesceFlags.IsBlocked));
            json.WriteBoolean("had_moved_bars", record.Has(QuiesceFlags.HadMovedBars));
            json.WriteBoolean("had_virtual_functions", record.Has(QuiesceFlags.HadVirtualFunctions));
            json.WriteNumber("seconds", record.Microseconds / 1e6);
        }
        json.WriteEndObject();
    }

    private static List<KeyValuePair<string, ulong>> Exits(StatusBlock* block, ulong* counts)
    {
        var exits = new List<KeyValuePair<string, ulong>>();
        for (int i = 0; i < Math.Min(block->ExitReasonCount, StatusBlock.MaximumExitReasons); i++)
        {
            string name = Names.Text(new ReadOnlySpan<byte>(block->ExitReasonNames + i * StatusBlock.ExitReasonNameLength, StatusBlock.ExitReasonNameLength));
            if (counts[i] != 0)
                exits.Add(new(name.Length == 0 ? "reason_" + i : name, counts[i]));
        }
        return exits;
    }

    private static List<KeyValuePair<string, double>> Marks(StatusBlock* block)
    {
        var marks = new List<KeyValuePair<string, double>>();
        ulong first = block->SwitchMarks[(int)SwitchMark.Requested];
        for (int i = 0; i < (int)SwitchMark.Count && block->TscFrequency != 0; i++)
        {
            if (block->SwitchMarks[i] != 0)
                marks.Add(new(Names.Of((SwitchMark)i), (double)(block->SwitchMarks[i] - first) / block->TscFrequency));
        }
        return marks;
    }
}
