using System.Text.Json.Serialization;

namespace Hv.Bench;

/// <summary>What a guest has done to an emulated disk, as QEMU counts it.</summary>
public readonly record struct DiskCounters(
    [property: JsonPropertyName("rd_operations")] long Reads,
    [property: JsonPropertyName("rd_bytes")] long BytesRead,
    [property: JsonPropertyName("wr_operations")] long Writes,
    [property: JsonPropertyName("wr_bytes")] long BytesWritten,
    [property: JsonPropertyName("flush_operations")] long Flushes);
