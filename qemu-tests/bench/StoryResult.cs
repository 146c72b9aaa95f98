using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>What the story has measured and found. What was not reached is null.</summary>
public sealed class StoryResult
{
    private readonly List<StoryCheck> checks = [];

    /// <summary>How the story was told.</summary>
    public required StoryOptions Options { get; init; }

    /// <summary>The running kernel before the shadow reboot.</summary>
    public string? KernelBefore { get; set; }

    /// <summary>The running kernel after it.</summary>
    public string? KernelAfter { get; set; }

    /// <summary>The ordinary reboot.</summary>
    public Downtime? Ordinary { get; set; }

    /// <summary>The shadow reboot.</summary>
    public Downtime? Shadow { get; set; }

    /// <summary>What `shadowctl status --json` said after the shadow reboot.</summary>
    public JsonObject? Status { get; set; }

    /// <summary>What the machine used after each shadow reboot, once it had settled.</summary>
    public List<MachineUse> Uses { get; } = [];

    /// <summary>Hv's image in bytes.</summary>
    public long? ImageBytes { get; set; }

    /// <summary>What ended the story early.</summary>
    public string? Failure { get; set; }

    /// <summary>What was checked.</summary>
    public IReadOnlyList<StoryCheck> Checks => checks;

    /// <summary>True if the story came to its end and all was as it must be.</summary>
    public bool Passed => Failure is null && checks.All(check => check.Passed);

    /// <summary>How much shorter the shadow reboot's downtime is than the ordinary one's.</summary>
    public double? CutPercent => Shadow is null || Ordinary is null ? null : 100 * (1 - Shadow.Console / Ordinary.Console);

    /// <summary>Notes a finding.</summary>
    public void Check(string name, bool passed, string detail) => checks.Add(new StoryCheck(name, passed, detail));

    /// <summary>A number of the status; null if it is not there.</summary>
    public long? StatusNumber(string name) => Status?[name] is JsonValue value && value.TryGetValue(out long number) ? number : null;

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["bench"] = Options.Bench.Name(),
        ["guest"] = Options.Guest.ToString().ToLowerInvariant(),
        ["disk"] = Options.Bench == BenchKind.BochsVmx ? "ata" : Options.Disk.ToString().ToLowerInvariant(),
        ["processors"] = Options.Processors,
        ["translation_buffer_mib"] = Options.Bench == BenchKind.QemuSvm ? QemuSvm.TranslationBufferMiB : null,
        ["kernel_before"] = KernelBefore,
        ["kernel_after"] = KernelAfter,
        ["ordinary_reboot_seconds"] = Seconds(Ordinary?.Console),
        ["ordinary_network_reboot_seconds"] = Seconds(Ordinary?.OnNetwork),
        ["shadow_downtime_seconds"] = Seconds(Shadow?.Console),
        ["shadow_network_downtime_seconds"] = Seconds(Shadow?.OnNetwork),
        ["downtime_cut_percent"] = CutPercent is { } cut ? Math.Round(cut, 2) : null,
        ["longest_heartbeat_gap_seconds"] = Shadow is null ? null : Math.Round(Shadow.LongestGap, 3),
        ["shadow_background_seconds"] = Seconds(Shadow?.Background),
        ["pages_copied"] = StatusNumber("pages_copied"),
        ["pages_zero_filled"] = StatusNumber("pages_zero_filled"),
        ["overlay_bytes"] = StatusNumber("overlay_bytes"),
        ["exits"] = Status?["exits"]?.DeepClone(),
        ["switch_seconds"] = Status?["switch_seconds"]?.DeepClone(),
        ["efi_image_bytes"] = ImageBytes,
        ["hv_memory_bytes"] = StatusNumber("hv_memory_bytes"),
        ["pool_bytes"] = StatusNumber("pool_bytes"),
        ["after_each_shadow_reboot"] = new JsonArray([.. Uses.Select(use => use.ToJson())]),
        ["checks"] = new JsonArray([.. checks.Select(check => new JsonObject { ["name"] = check.Name, ["passed"] = check.Passed, ["detail"] = check.Detail })]),
        ["failure"] = Failure,
        ["passed"] = Passed,
    };

    private static double? Seconds(TimeSpan? time) => time is { } value ? Math.Round(value.TotalSeconds, 3) : null;
}
