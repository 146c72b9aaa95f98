namespace Hv.Bench;

/// <summary>QEMU's own emulation (TCG) of a processor with AMD-V and nested paging.</summary>
public sealed class QemuSvm(MachineOptions options) : QemuMachine(options)
{
    /// <summary>
    /// The translation buffer in MiB. With QEMU's default, code that earlier systems left there makes every reboot slower than
    /// the last and an ordinary reboot look worse than it is.
    /// </summary>
    public const int TranslationBufferMiB = 96;

    /// <inheritdoc/>
    protected override IEnumerable<string> ProcessorArguments => ["-accel", Accelerator(Options.Processors), "-cpu", "max,+svm"];

    /// <summary>How QEMU runs so many processors: each of several has a thread of its own.</summary>
    public static string Accelerator(int processors) => $"tcg,tb-size={TranslationBufferMiB}{(processors > 1 ? ",thread=multi" : "")}";
}
