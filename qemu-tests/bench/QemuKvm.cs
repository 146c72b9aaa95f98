namespace Hv.Bench;

/// <summary>QEMU with KVM, where the host lets its guests use VMX or SVM themselves.</summary>
public sealed class QemuKvm : QemuMachine
{
    /// <summary>Checks that the host can do it.</summary>
    /// <exception cref="BenchException">It cannot; the message says why.</exception>
    public QemuKvm(MachineOptions options) : base(options)
    {
        if (WhyNot() is { } reason)
            throw new BenchException(reason);
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> ProcessorArguments => ["-accel", "kvm", "-cpu", "host"];

    /// <summary>Why this host cannot run Hv under KVM, in one sentence; null if it can.</summary>
    public static string? WhyNot()
    {
        if (!File.Exists("/dev/kvm"))
            return "The bench 'kvm' needs /dev/kvm, which this machine has not; use --bench qemu-svm or bochs-vmx.";
        string? flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal));
        string[] words = flags?.Split(' ') ?? [];
        if (!words.Contains("vmx") && !words.Contains("svm"))
            return "The bench 'kvm' needs a processor with VMX or SVM, which this machine does not show (it may be a virtual machine without nesting); use --bench qemu-svm or bochs-vmx.";
        string module = words.Contains("vmx") ? "kvm_intel" : "kvm_amd";
        string nested = $"/sys/module/{module}/parameters/nested";
        if (!File.Exists(nested) || File.ReadAllText(nested).Trim() is not ("Y" or "1"))
            return $"The bench 'kvm' needs nested virtualization, which is off here (load {module} with nested=1); use --bench qemu-svm or bochs-vmx.";
        return null;
    }
}
