namespace Hv.EmulatorTests;

/// <summary>The collections of tests: those of one never run at the same time.</summary>
internal static class Collections
{
    /// <summary>Tests on QEMU.</summary>
    public const string Qemu = "QEMU";

    /// <summary>Tests on QEMU with several processors, which keep all those of the computer busy: nothing else runs at the same time.</summary>
    public const string QemuProcessors = "QEMU with several processors";

    /// <summary>Tests on Bochs.</summary>
    public const string Bochs = "Bochs";
}
