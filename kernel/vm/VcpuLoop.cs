namespace Hv.Kernel.Vm;

/// <summary>What happens on a processor between exits that one VM alone cannot decide: which VM runs next.</summary>
/// <remarks>Runs on the processor that it schedules.</remarks>
public sealed unsafe class VcpuLoop<TBackend> where TBackend : struct, IVcpuBackend
{
    private readonly VcpuOf<TBackend> _primary;

    /// <summary>Schedules <paramref name="primary"/>, which runs alone until there is a shadow.</summary>
    public VcpuLoop(VcpuOf<TBackend> primary) => _primary = primary;

    /// <summary>Runs for ever.</summary>
    public void Run()
    {
        while (true)
            _primary.RunOnce();
    }
}
