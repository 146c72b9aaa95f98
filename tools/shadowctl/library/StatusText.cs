using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>A status block as a page of text.</summary>
public static class StatusText
{
    /// <summary>Writes the page.</summary>
    public static void Write(TextWriter output, StatusView status)
    {
        ref readonly StatusBlock block = ref status.Block;
        Line("system", Names.Of(block.Role));
        Line("phase", Names.Of(block.Phase) + (status.Percent is { } percent ? Format($", {percent:F0} %") : ""));
        if (block.Failure != ControlFailure.None)
            Line("last failure", status.Explanation);
        Line("elapsed", Format($"{StatusView.Seconds(block.ElapsedNanoseconds):F1} s, in this phase {StatusView.Seconds(block.PhaseNanoseconds):F1} s"));
        Line("pages", $"{block.PagesCopied} copied, {block.PagesZeroFilled} zero-filled");
        Line("disk", $"{block.OverlayBytes} bytes in the overlay, {block.PreservedBytes} preserved");
        if (block.ForkTicks != 0)
        {
            Line("fork", Format($"{status.Microseconds(block.ForkTicks) / 1000:F3} ms, of that memory {status.Microseconds(block.ForkMemoryTicks) / 1000:F3} ms ({block.ForkEntries} entries for {block.ForkPagesShared >> 8} MiB)"));
            Line("  pages broken", block.ForkPagesBroken == 0 ? "0" : Format($"{block.ForkPagesBroken}, {status.Microseconds(block.ForkBreakTicks) / block.ForkPagesBroken:F3} us each"));
            Line("  pages copied", block.ForkPagesCopied.ToString(CultureInfo.InvariantCulture));
        }
        if (block.TurnPrimaryTicks != 0)
            Line("processors", Format($"{status.TickSeconds(block.TurnPrimaryTicks):F1} s for the system, {status.TickSeconds(block.TurnIdleTicks):F1} s of idle time for the shadow, {status.TickSeconds(block.TurnShareTicks):F1} s as its share, {status.TickSeconds(block.TurnLostTicks):F1} s lost"));
        Line("journal", $"{Names.Of(block.Journal)}, {block.JournalBytes >> 20} MiB, {block.JournaledBytes} bytes written, {block.JournalPendingBytes} pending");
        if (block.DataRangeCount != 0)
            Line("data partitions", $"{block.DataRangeCount}, {block.DataBytes >> 20} MiB: a shadow does not write there");
        if (block.LastView != LastViewState.None)
            Line("disk before switch", $"{Names.Of(block.LastView)}, {block.LastViewBytes >> 10} KiB of memory");
        Line("pool", $"{block.PoolBytes >> 20} MiB, {block.PoolFreeBytes >> 20} MiB free");
        Line("Hv", $"build {status.BuildId}, image {block.ImageBytes >> 10} KiB, memory {block.HvMemoryBytes >> 10} KiB");
        Line("fast reboot", block.Power.HasFlag(PowerFlags.FastReboot) ? "on" : "off");
        if (block.FastReboots != 0)
            Line("  fast reboots", Format($"{block.FastReboots}, the last one in {StatusView.Seconds(block.FastRebootNanoseconds):F3} s"));
        Line("suspend to RAM", block.Power.HasFlag(PowerFlags.Suspend) ? $"under Hv, {block.Suspends} so far" : "not under Hv");
        Line("switches", block.SwitchCount.ToString(CultureInfo.InvariantCulture));
        foreach (KeyValuePair<string, double> mark in status.SwitchMarks)
            Line("  " + mark.Key, Format($"{mark.Value * 1000:F3} ms"));
        for (int i = 0; i < status.QuiesceCount && block.SwitchCount != 0; i++)
        {
            QuiesceRecord record = block.ReadQuiesce(i);
            Line("device " + Names.PciAddress(record.Address), Format(
                $"{record.Vendor:x4}:{record.Device:x4} {Quietness(record)}, reset {Names.ResetMethod(record.Worked)}, {record.Microseconds / 1e3:F1} ms"));
        }
        Exits("exits of the system", status.PrimaryExits);
        Exits("exits of the shadow", status.ShadowExits);

        void Line(string name, string value) => output.WriteLine(name.PadRight(22) + value);

        void Exits(string title, IReadOnlyList<KeyValuePair<string, ulong>> exits)
        {
            if (exits.Count != 0)
                output.WriteLine(title);
            foreach (KeyValuePair<string, ulong> exit in exits)
                Line("  " + exit.Key, exit.Value.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Writes a table of the passed-through devices: how each can be reset, and how it went at the last switch.</summary>
    public static void WriteDevices(TextWriter output, StatusView status)
    {
        Row("device", "id", "kind", "at the last switch", "time", "resets that it offers");
        for (int i = 0; i < status.QuiesceCount; i++)
        {
            QuiesceRecord record = status.Block.ReadQuiesce(i);
            bool wasRun = record.Has(QuiesceFlags.WasRun);
            IReadOnlyList<string> offered = Names.ResetMethods(record.Offered);
            Row(Names.PciAddress(record.Address), Format($"{record.Vendor:x4}:{record.Device:x4}"), Names.PciClass(record.Class),
                wasRun ? $"{Quietness(record)}, reset {Names.ResetMethod(record.Worked)}{(record.Has(QuiesceFlags.HadVirtualFunctions) ? ", VFs off" : "")}" : "-",
                wasRun ? Format($"{record.Microseconds / 1e3:F1} ms") : "-",
                offered.Count == 0 ? "none" : string.Join(", ", offered));
        }
        output.WriteLine("DMA remapping: " + Remapping(in status.Block));

        void Row(string address, string id, string kind, string last, string time, string offered) =>
            output.WriteLine($"{address,-9}{id,-11}{kind,-14}{last,-36}{time,10}  {offered}");
    }

    private static string Quietness(in QuiesceRecord record) =>
        record.Has(QuiesceFlags.WasIsolated) ? "NOT quiet, isolated" : record.Has(QuiesceFlags.IsQuiet) ? "quiet" : "NOT quiet";

    private static string Remapping(in StatusBlock block)
    {
        string text = Names.Of(block.Remapping);
        if (block.Remapping is not (RemappingState.Vtd or RemappingState.AmdVi))
            return text;
        text += Format($", {block.RemappingUnits} unit(s), {block.RemappingFaults} requests refused");
        return block.RemappingFaults == 0 ? text
            : text + Format($", the last one: {(block.LastFaultIsWrite != 0 ? "write" : "read")} of {Names.PciAddress(block.LastFaultRequester)} at {block.LastFaultAddress:x}, reason {block.LastFaultReason:x}");
    }

    private static string Format(System.FormattableString text) => System.FormattableString.Invariant(text);
}
