using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>How a device was silenced, as Hv says.</summary>
/// <param name="Address">Bus, device and function as lspci writes them.</param>
/// <param name="IsQuiet">Whether it is quiet.</param>
/// <param name="Reset">The way by which it was reset.</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record DeviceQuiet(string Address, bool IsQuiet, string Reset, double Milliseconds)
{
    /// <summary>Reads what "shadowctl status --json" says of all devices.</summary>
    public static IReadOnlyList<DeviceQuiet> Read(JsonNode status) =>
    [
        .. status["devices"]!.AsArray().Select(device => new DeviceQuiet(
            (string)device!["address"]!, (bool)device["quiet"]!, (string)device["reset"]!, (double)device["seconds"]! * 1000)),
    ];
}
