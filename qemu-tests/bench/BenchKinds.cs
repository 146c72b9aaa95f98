namespace Hv.Bench;

/// <summary>The benches' names on the command line.</summary>
public static class BenchKinds
{
    /// <summary>All names, in the order of <see cref="BenchKind"/>.</summary>
    public static readonly string[] Names = ["qemu-svm", "bochs-vmx", "kvm"];

    /// <summary>The bench of that name.</summary>
    public static BenchKind Parse(string name) => (BenchKind)Array.IndexOf(Names, name) switch
    {
        < 0 => throw new BenchException($"There is no bench '{name}'; there are {string.Join(", ", Names)}."),
        var kind => kind,
    };

    /// <summary>How much longer than on QEMU's own emulation everything may take.</summary>
    public static double Patience(this BenchKind kind) => kind == BenchKind.BochsVmx ? 6 : 1;

    /// <summary>The same with several processors, which share those of the computer that emulates them.</summary>
    public static double Patience(this BenchKind kind, int processors) => kind.Patience() * (1 + processors) / 2;

    /// <summary>The name of a bench.</summary>
    public static string Name(this BenchKind kind) => Names[(int)kind];
}
