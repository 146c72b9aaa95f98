using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>Which ports and MSRs of a VM exit, in the bitmaps of either back-end.</summary>
public abstract class PermissionMaps
{
    /// <summary>Makes a port exit, or not.</summary>
    public abstract void SetPort(ushort port, bool exit);

    /// <summary>Makes every port exit.</summary>
    public abstract void SetAllPorts();

    /// <summary>Makes an MSR exit when read or written. MSRs that the processor's map does not cover exit always.</summary>
    public abstract void SetMsr(uint msr, bool exitOnRead, bool exitOnWrite);

    /// <summary>Makes every MSR exit, for reading and writing.</summary>
    public abstract void SetAllMsrs();

    /// <summary>A primary's: the MSRs that would show or change what belongs to Hv.</summary>
    public void FillPrimary()
    {
        SetMsr(Msr.Efer, true, true);
        SetMsr(Msr.VmCr, true, true);
        SetMsr(Msr.VmHsavePa, true, true);
        SetMsr(Msr.FeatureControl, true, true);
        SetMsr(Msr.ApicBase, false, true);
        for (uint msr = Msr.VmxBasic; msr <= Msr.VmxLast; msr++)
            SetMsr(msr, true, true);
    }

    /// <summary>A shadow's: everything but what is switched with the VM.</summary>
    public void FillShadow()
    {
        SetAllPorts();
        SetAllMsrs();
        SetMsr(Msr.FsBase, false, false);
        SetMsr(Msr.GsBase, false, false);
        SetMsr(Msr.KernelGsBase, false, false);
        SetMsr(Msr.Star, false, false);
        SetMsr(Msr.Lstar, false, false);
        SetMsr(Msr.Cstar, false, false);
        SetMsr(Msr.SyscallMask, false, false);
        SetMsr(Msr.SysenterCs, false, false);
        SetMsr(Msr.SysenterEsp, false, false);
        SetMsr(Msr.SysenterEip, false, false);
        SetMsr(Msr.TscAux, false, false);
        SetMsr(Msr.TimeStampCounter, false, true);
        SetMsr(Msr.Pat, false, false);
    }
}
