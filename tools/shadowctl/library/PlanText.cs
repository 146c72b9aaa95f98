using System.IO;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>What the configuration means, as a page of text.</summary>
public static class PlanText
{
    /// <summary>Writes the page.</summary>
    public static void Write(TextWriter output, DataPlan plan, IStorage storage)
    {
        foreach (DiskPartition partition in storage.Partitions())
        {
            string kind = plan.Data.Contains(partition) ? "data" : "system";
            string mounts = string.Join(", ", storage.Mounts().Where(mount => mount.Device == partition.Device).Select(mount => mount.MountPoint));
            output.WriteLine($"{kind,-8}{partition.Name,-12}{partition.Bytes >> 20,8} MiB  {partition.Label}  {mounts}".TrimEnd());
        }
        foreach (CarriedDirectory directory in plan.Carried)
            output.WriteLine($"carry   {directory.Path} (on {directory.Partition.Name})");
        foreach (string unit in plan.Configuration.FailedUnits)
            output.WriteLine($"must not fail in a shadow: {unit}");
        foreach (string unit in plan.Configuration.NetworkWaits)
            output.WriteLine($"waits for the switch and the network cards: {unit}");
        foreach (string unit in plan.Configuration.NetworkSkips)
            output.WriteLine($"is skipped until then: {unit}");
        foreach (string note in plan.Notes)
            output.WriteLine($"note: {note}");
    }
}
