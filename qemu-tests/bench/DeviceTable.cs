using System.Globalization;
using System.Text;

namespace Hv.Bench;

/// <summary>What a devices run has found out, as a page of documentation.</summary>
public static class DeviceTable
{
    private const string Introduction = """
        # Devices across a switch

        Which screens come back in which mode, and what the network waits for, is in [ARCHITECTURE.md](ARCHITECTURE.md#screen-keyboards-network).

        Rows are written by `Hv.Bench devices --page docs/devices.md`; each run replaces those of the devices that it had plugged in (QEMU, AMD-V, the
        small guest). Every device is used before the first switch, after it and after the last one: a network card gets its lease and is pinged
        through; a disk, or a USB, SCSI or SD disk behind the controller, is read and compared, written and read back; a sound card plays more than its
        buffer holds; a screen is filled with a colour, of which QEMU takes a picture; a keyboard or pointer reports what QEMU sends to it; bytes written to a port
        must arrive outside; a balloon gives memory away and takes it back; edu computes; a watchdog is started and stopped; a virtual function (SR-IOV) is
        turned on, turned off by the switch, and can be turned on again. *bound*: the driver is there and has nothing to show; *seen*: the guest's kernel has no driver.

        *Reset*: how Hv brought the device back to its state after power-on, and how long that took (all are reset at the same time); *none*: it
        offers no reset and was cut off (no bus mastering, no interrupts). *Addresses*: whether its registers are where a normal boot has
        them; *MAC*: whether its hardware address is the same.


        """;

    private const string HeadLine = "| device | where | driver | reset | ms | quiet | works after 1 switch | works after several | addresses | MAC |";
    private const string Rule = "| --- | --- | --- | --- | ---: | --- | --- | --- | --- | --- |";

    /// <summary>The page (Markdown): the rows of <paramref name="old"/>, an earlier page or nothing, with those of <paramref name="bench"/> in their places. What follows the table is kept.</summary>
    public static string Write(DeviceBench bench, string old)
    {
        Dictionary<string, string> rows = [];
        List<string> rest = [];
        foreach (string line in old.Split('\n').SkipWhile(line => line != HeadLine))
        {
            if (line.StartsWith("| ", StringComparison.Ordinal) && rest.Count == 0)
                rows[line.Split('|')[1].Trim()] = line;
            else
                rest.Add(line);
        }
        foreach (PluggedDevice device in bench.Devices)
            rows[device.Model.Name] = Row(device, bench.Switches);
        string table = string.Concat(DeviceModels.All.Where(model => rows.ContainsKey(model.Name)).Select(model => rows[model.Name] + "\n"));
        return Introduction + HeadLine + "\n" + Rule + "\n" + table + string.Join('\n', rest);
    }

    private static string Row(PluggedDevice device, int switches)
    {
        StringBuilder row = new();
        row.Append(CultureInfo.InvariantCulture, $"| {device.Model.Name} | {Place(device.Model.Place)} | {(device.Before?.Driver is { Length: > 0 } driver ? driver : "-")} |");
        row.Append(device.Quiet is { } quiet ? string.Create(CultureInfo.InvariantCulture, $" {quiet.Reset} | {quiet.Milliseconds:F1} | {(quiet.IsQuiet ? "yes" : "**no**")} |") : " - | - | - |");
        if (device.Problem(device.Before) is { } before)
            return row.Append($" did not work before: {before} | - | - | - |").ToString();
        row.Append(device.After.Count > 0 ? Works(device, device.After[0]) : " - |");
        row.Append(device.After.Count > 1 ? Works(device, device.After[^1]).Replace(" |", $" ({switches}) |") : " - |");
        DeviceState? after = device.After.LastOrDefault();
        row.Append(after is null ? " - |" : after.Bars == device.Before!.Bars ? " same |" : " **other** |");
        string[] macs = Macs(device.Before!);
        return row.Append(after is null || macs.Length == 0 ? " - |" : macs.SequenceEqual(Macs(after)) ? " same |" : " **other** |").ToString();
    }

    private static string[] Macs(DeviceState state) => [.. state.Uses.Where(use => use.Kind == "net").Select(use => use.Facts)];

    private static string Works(PluggedDevice device, DeviceState? state)
    {
        if (device.Problem(state) is { } problem)
            return $" **no**: {problem} |";
        return device.Model.Kind.Length > 0 ? " yes |" : device.Model.Driver.Length > 0 ? " bound |" : " seen |";
    }

    private static string Place(DevicePlace place) => place switch
    {
        DevicePlace.Root => "root bus",
        DevicePlace.Bridge => "behind a bridge",
        _ => "root port",
    };
}
