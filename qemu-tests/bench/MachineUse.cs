using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>What a settled machine uses, to be compared between shadow reboots.</summary>
/// <param name="PoolFreeBytes">What is free of Hv's pool.</param>
/// <param name="HvMemoryBytes">Hv's memory in all.</param>
/// <param name="GuestMemoryBytes">The memory that the guest's kernel was given. (What it makes of it, MemTotal, depends on what it reserves as it boots, and differs by a page now and then.)</param>
public readonly record struct MachineUse(long PoolFreeBytes, long HvMemoryBytes, long GuestMemoryBytes)
{
    /// <summary>The use for programs to read.</summary>
    public JsonObject ToJson() => new() { ["pool_free_bytes"] = PoolFreeBytes, ["hv_memory_bytes"] = HvMemoryBytes, ["guest_memory_bytes"] = GuestMemoryBytes };
}
