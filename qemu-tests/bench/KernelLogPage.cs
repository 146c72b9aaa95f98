using System.Text;

namespace Hv.Bench;

/// <summary>Kernel logs compared, as a page of documentation.</summary>
public static class KernelLogPage
{
    private const string SectionMark = "\n## ";

    private const string Introduction = """
        # What the kernel's log says under Hv

        The small guest is booted on the same machine twice: without Hv (the disk that Hv is brought on is there, but does not start it) and under it. What its kernel
        says is compared line by line, after all that differs from boot to boot has been taken out (the last section). Every difference must have an
        explanation; the program fails on one that has none.

        This page is written by the commands below; each run replaces the section of its machine. `-`: only without Hv, `+`: only under Hv. The
        explanations are in `qemu-tests/bench/KernelLogExplanations.cs`, the rules in `KernelLogRules.cs`.

        """;

    private const string RulesTitle = "What differs from boot to boot";

    /// <summary>The page (Markdown): the sections of <paramref name="old"/>, an earlier page or nothing, with that of <paramref name="bench"/> in its place.</summary>
    public static string Write(KernelLogBench bench, string old)
    {
        SortedDictionary<string, string> sections = new(StringComparer.Ordinal);
        foreach (string section in old.Split(SectionMark).Skip(1))
        {
            string[] parts = section.Split('\n', 2);
            if (parts[0] != RulesTitle && parts.Length == 2)
                sections[parts[0]] = parts[1].Trim('\n');
        }
        sections[Title(bench)] = Section(bench);
        StringBuilder page = new(Introduction);
        foreach ((string title, string text) in sections.Append(new(RulesTitle, Rules())))
            page.Append(SectionMark).Append(title).Append("\n\n").Append(text).Append('\n');
        return page.ToString();
    }

    private static string Title(KernelLogBench bench) => $"{bench.Bench.Name()}, {bench.Processors} {(bench.Processors == 1 ? "processor" : "processors")}";

    private static string Section(KernelLogBench bench)
    {
        KernelLogComparison comparison = bench.Comparison;
        int missing = comparison.Differences.Where(difference => !difference.IsUnderHv).Sum(difference => difference.Count), more = comparison.Differences.Where(difference => difference.IsUnderHv).Sum(difference => difference.Count);
        StringBuilder text = new();
        text.Append($"`Hv.Bench kernel-log --bench {bench.Bench.Name()} --processors {bench.Processors} --page docs/KERNEL-LOG.md`\n\n");
        text.Append($"{comparison.Same} lines are the same; {missing} are there only without Hv, {more} only under Hv.\n\n");
        text.Append("| difference | explanation |\n| --- | --- |\n");
        foreach ((KernelLogExplanation explanation, List<KernelLogDifference> differences) in comparison.Explained)
            text.Append($"| {Lines(differences)} | {explanation.Why} |\n");
        if (comparison.Unexplained.Count > 0)
            text.Append($"| {Lines(comparison.Unexplained)} | **none yet** |\n");
        return text.ToString().TrimEnd('\n');
    }

    private static string Lines(IEnumerable<KernelLogDifference> differences) =>
        string.Join("<br>", differences.Select(difference => Code(difference.ToString()) + (difference.Count > 1 ? $" ({difference.Count} times)" : "")));

    private static string Rules()
    {
        StringBuilder text = new("| pattern | becomes | why |\n| --- | --- | --- |\n");
        foreach (KernelLogRule rule in KernelLogRules.All)
            text.Append($"| {Code(rule.Regex.ToString())} | {(rule.Replacement is null ? "(line left out)" : Code(rule.Replacement))} | {rule.Why} |\n");
        return text.ToString().TrimEnd('\n');
    }

    private static string Code(string text) => $"`{text.Replace("|", "\\|", StringComparison.Ordinal).Replace('`', '\'')}`";
}
