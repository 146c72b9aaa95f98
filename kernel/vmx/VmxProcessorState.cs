using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <summary>A guest's registers that neither VM entry nor VM exit touches: here while the guest is not on the processor.</summary>
internal struct VmxProcessorState
{
    private ulong _cr2, _dr6;
    private ulong _star, _lstar, _cstar, _syscallMask, _kernelGsBase;

    /// <summary>Takes them from the processor.</summary>
    public void ReadProcessor()
    {
        _cr2 = Stubs.ReadCr2();
        _dr6 = Stubs.ReadDr6();
        _star = Msr.Read(Msr.Star);
        _lstar = Msr.Read(Msr.Lstar);
        _cstar = Msr.Read(Msr.Cstar);
        _syscallMask = Msr.Read(Msr.SyscallMask);
        _kernelGsBase = Msr.Read(Msr.KernelGsBase);
    }

    /// <summary>Puts them on the processor. The values are legal: a guest had them.</summary>
    public readonly void WriteProcessor()
    {
        Stubs.WriteCr2(_cr2);
        Stubs.WriteDr6(_dr6);
        _ = Msr.Write(Msr.Star, _star);
        _ = Msr.Write(Msr.Lstar, _lstar);
        _ = Msr.Write(Msr.Cstar, _cstar);
        _ = Msr.Write(Msr.SyscallMask, _syscallMask);
        _ = Msr.Write(Msr.KernelGsBase, _kernelGsBase);
    }

    /// <summary>Hands them to a state that is saved.</summary>
    public readonly void Save(ref VcpuState state)
    {
        state.Cr2 = _cr2;
        state.Dr6 = _dr6;
        state.Star = _star;
        state.Lstar = _lstar;
        state.Cstar = _cstar;
        state.SyscallMask = _syscallMask;
        state.KernelGsBase = _kernelGsBase;
    }

    /// <summary>Takes them from a state that is loaded.</summary>
    public void Load(in VcpuState state)
    {
        _cr2 = state.Cr2;
        _dr6 = state.Dr6;
        _star = state.Star;
        _lstar = state.Lstar;
        _cstar = state.Cstar;
        _syscallMask = state.SyscallMask;
        _kernelGsBase = state.KernelGsBase;
    }

    /// <summary>CR2 as a page fault sets it.</summary>
    public void SetCr2(ulong value) => _cr2 = value;
}
