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
    protected override IEnumerable<string> ProcessorArguments => ["-accel", $"tcg,tb-size={TranslationBufferMiB}", "-cpu", "max,+svm"];
}
