using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <content>The VMCS as a whole: how it begins, and the guest's state in and out of it.</content>
public unsafe partial struct VmxBackend
{
    private const ulong PendingSingleStep = 1 << 14;
    private const int PageDirectoryPointers = 4;

    /// <summary>
    /// Prepares a VMCS for a primary, on the processor that will run it. <paramref name="vmcs"/> is a zeroed page.
    /// </summary>
    public void Initialize(VmxOperation operation, byte* vmcs, VmxPermissionMaps primaryMaps, VmxPermissionMaps shadowMaps,
        HostDescriptors descriptors, HostPhysical nestedRoot)
    {
        _operation = operation;
        _vmcs = vmcs;
        _primaryMaps = primaryMaps;
        _shadowMaps = shadowMaps;
        operation.Format(vmcs);
        Use();
        ref readonly VmxControls controls = ref operation.Controls;
        ref readonly VmxCapabilities capabilities = ref operation.Capabilities;
        _pinControls = controls.PinBased;
        _processorControls = controls.ProcessorBased;
        Vmcs.Write(VmcsField.PinBasedControls, controls.PinBased);
        Vmcs.Write(VmcsField.ProcessorBasedControls, controls.ProcessorBased);
        Vmcs.Write(VmcsField.SecondaryControls, controls.Secondary);
        Vmcs.Write(VmcsField.ExitControls, controls.Exit);
        Vmcs.Write(VmcsField.EntryControls, controls.Entry);
        Vmcs.Write(VmcsField.ExceptionBitmap, 0);
        Vmcs.Write(VmcsField.Cr3TargetCount, 0);
        Vmcs.Write(VmcsField.ExitMsrStoreCount, 0);
        Vmcs.Write(VmcsField.ExitMsrLoadCount, 0);
        Vmcs.Write(VmcsField.EntryMsrLoadCount, 0);
        Vmcs.Write(VmcsField.EntryInterruptionInformation, 0);
        Vmcs.Write(VmcsField.LinkPointer, ulong.MaxValue);
        if ((controls.Secondary & VmxControl.EnableXsaves) != 0)
            Vmcs.Write(VmcsField.XssExitingBitmap, 0);
        if ((controls.Secondary & VmxControl.EnableVpid) != 0)
        {
            _vpid = operation.NewVpid();
            Vmcs.Write(VmcsField.Vpid, _vpid);
        }

        // An unrestricted guest may be without paging and protected mode; the other fixed bits are Hv's (24.8, 27.3.1.1).
        _cr0Mask = capabilities.Cr0Fixed0 & ~(Cr0ProtectedMode | Cr0Paging);
        _cr4Mask = capabilities.Cr4Fixed0 | Cr4Vmxe | Cr4Smxe;
        Vmcs.Write(VmcsField.Cr0Mask, _cr0Mask);
        Vmcs.Write(VmcsField.Cr4Mask, _cr4Mask);
        WriteHostState(descriptors);
        SetNestedRoot(nestedRoot);
        SetRole(shadow: false);
    }

    /// <inheritdoc/>
    public void Save(ref VcpuState state)
    {
        state.Rip = Rip;
        state.Rflags = Rflags;
        state.Cr0 = Cr0;
        state.Cr3 = Vmcs.Read(VmcsField.GuestCr3);
        state.Cr4 = Cr4;
        state.Dr7 = Vmcs.Read(VmcsField.GuestDr7);
        state.Efer = Efer;
        state.Es = Segment(VmcsField.Es);
        state.Cs = Segment(VmcsField.Cs);
        state.Ss = Segment(VmcsField.Ss);
        state.Ds = Segment(VmcsField.Ds);
        state.Fs = Segment(VmcsField.Fs);
        state.Gs = Segment(VmcsField.Gs);
        state.Ldtr = Segment(VmcsField.Ldtr);
        state.Tr = Segment(VmcsField.Tr);
        state.Gdtr.Base = Vmcs.Read(VmcsField.GuestGdtrBase);
        state.Gdtr.Limit = (uint)Vmcs.Read(VmcsField.GuestGdtrLimit);
        state.Idtr.Base = Vmcs.Read(VmcsField.GuestIdtrBase);
        state.Idtr.Limit = (uint)Vmcs.Read(VmcsField.GuestIdtrLimit);
        state.SysenterCs = Vmcs.Read(VmcsField.GuestSysenterCs);
        state.SysenterEsp = Vmcs.Read(VmcsField.GuestSysenterEsp);
        state.SysenterEip = Vmcs.Read(VmcsField.GuestSysenterEip);
        state.Pat = Vmcs.Read(VmcsField.GuestPat);
        for (int i = 0; i < PageDirectoryPointers; i++)
            state.PageDirectoryPointers[i] = Vmcs.Read(VmcsField.GuestPdpte0 + (uint)i * 2);
        ulong interruptibility = Vmcs.Read(VmcsField.GuestInterruptibility);
        state.NmiIsBlocked = (interruptibility & VmxEvent.BlockedByNmi) != 0;
        state.InterruptShadow = (interruptibility & (VmxEvent.BlockedBySti | VmxEvent.BlockedByMovSs)) != 0;
        if (IsActive)
            _inProcessor.ReadProcessor();
        _inProcessor.Save(ref state);
    }

    /// <inheritdoc/>
    public void Load(in VcpuState state)
    {
        ref readonly VmxCapabilities capabilities = ref _operation.Capabilities;
        Rip = state.Rip;
        Rflags = state.Rflags;
        Vmcs.Write(VmcsField.Cr0ReadShadow, state.Cr0);
        Vmcs.Write(VmcsField.GuestCr0, (state.Cr0 | (capabilities.Cr0Fixed0 & _cr0Mask)) & capabilities.Cr0Fixed1);
        Vmcs.Write(VmcsField.GuestCr3, state.Cr3);
        Vmcs.Write(VmcsField.Cr4ReadShadow, state.Cr4);
        Vmcs.Write(VmcsField.GuestCr4, (state.Cr4 | capabilities.Cr4Fixed0) & capabilities.Cr4Fixed1);
        Vmcs.Write(VmcsField.GuestDr7, state.Dr7);
        Vmcs.Write(VmcsField.GuestDebugCtl, 0);
        Efer = state.Efer;
        SetSegment(VmcsField.Es, in state.Es);
        SetSegment(VmcsField.Cs, in state.Cs);
        SetSegment(VmcsField.Ss, in state.Ss);
        SetSegment(VmcsField.Ds, in state.Ds);
        SetSegment(VmcsField.Fs, in state.Fs);
        SetSegment(VmcsField.Gs, in state.Gs);
        SetSegment(VmcsField.Ldtr, in state.Ldtr);
        SetSegment(VmcsField.Tr, in state.Tr);
        Vmcs.Write(VmcsField.GuestGdtrBase, state.Gdtr.Base);
        Vmcs.Write(VmcsField.GuestGdtrLimit, state.Gdtr.Limit);
        Vmcs.Write(VmcsField.GuestIdtrBase, state.Idtr.Base);
        Vmcs.Write(VmcsField.GuestIdtrLimit, state.Idtr.Limit);
        Vmcs.Write(VmcsField.GuestSysenterCs, state.SysenterCs);
        Vmcs.Write(VmcsField.GuestSysenterEsp, state.SysenterEsp);
        Vmcs.Write(VmcsField.GuestSysenterEip, state.SysenterEip);
        Vmcs.Write(VmcsField.GuestPat, state.Pat);
        fixed (ulong* pointers = state.PageDirectoryPointers)
        {
            for (int i = 0; i < PageDirectoryPointers; i++)
                Vmcs.Write(VmcsField.GuestPdpte0 + (uint)i * 2, pointers[i]);
        }
        LoadInterruptibility(in state);
        _event = 0;
        _inProcessor.Load(in state);
        if (IsActive)
            Activate();
        FlushVpid();
    }

    private readonly void LoadInterruptibility(in VcpuState state)
    {
        // VM entry wants the shadow of STI only with IF set, and a single step pending under either shadow (27.3.1.4, 27.3.1.5).
        bool interruptible = (state.Rflags & InterruptFlag) != 0;
        ulong shadow = !state.InterruptShadow ? 0 : interruptible ? VmxEvent.BlockedBySti : VmxEvent.BlockedByMovSs;
        Vmcs.Write(VmcsField.GuestInterruptibility, shadow | (state.NmiIsBlocked ? VmxEvent.BlockedByNmi : 0ul));
        Vmcs.Write(VmcsField.GuestPendingDebug, state.InterruptShadow && (state.Rflags & TrapFlag) != 0 ? PendingSingleStep : 0);
        Vmcs.Write(VmcsField.GuestActivity, 0);
    }

    private readonly void FlushVpid()
    {
        if (_vpid == 0)
            return;
        ulong* descriptor = stackalloc ulong[2];
        descriptor[0] = _vpid;
        descriptor[1] = 0;
        uint failed = Stubs.Invvpid(_operation.Capabilities.HasSingleInvvpid ? InvalidateSingle : InvalidateAll, descriptor);
        Invariant.Holds(failed == 0, "INVVPID");
    }

    private readonly uint AccessRights(uint segment) => (uint)Read(VmcsField.GuestEsAccessRights + segment * 2);

    private readonly ulong SegmentBase(uint segment) => Read(VmcsField.GuestEsBase + segment * 2);

    private readonly SegmentState Segment(uint segment)
    {
        SegmentState state;
        state.Selector = (ushort)Read(VmcsField.GuestEsSelector + segment * 2);
        state.Attributes = VmxAccessRights.ToAttributes(AccessRights(segment));
        state.Limit = (uint)Vmcs.Read(VmcsField.GuestEsLimit + segment * 2);
        state.Base = Vmcs.Read(VmcsField.GuestEsBase + segment * 2);
        return state;
    }

    private static void SetSegment(uint segment, in SegmentState state)
    {
        Vmcs.Write(VmcsField.GuestEsSelector + segment * 2, state.Selector);
        Vmcs.Write(VmcsField.GuestEsAccessRights + segment * 2, VmxAccessRights.FromAttributes(state.Attributes));
        Vmcs.Write(VmcsField.GuestEsLimit + segment * 2, state.Limit);
        Vmcs.Write(VmcsField.GuestEsBase + segment * 2, state.Base);
    }

    // Hv's control registers follow at the first entry: they are final only then.
    private static void WriteHostState(HostDescriptors descriptors)
    {
        Vmcs.Write(VmcsField.HostEsSelector, HostDescriptors.DataSelector);
        Vmcs.Write(VmcsField.HostCsSelector, HostDescriptors.CodeSelector);
        Vmcs.Write(VmcsField.HostSsSelector, HostDescriptors.DataSelector);
        Vmcs.Write(VmcsField.HostDsSelector, HostDescriptors.DataSelector);
        Vmcs.Write(VmcsField.HostFsSelector, 0);
        Vmcs.Write(VmcsField.HostGsSelector, 0);
        Vmcs.Write(VmcsField.HostTrSelector, HostDescriptors.TaskSelector);
        Vmcs.Write(VmcsField.HostFsBase, 0);
        Vmcs.Write(VmcsField.HostGsBase, (ulong)descriptors.Processor);
        Vmcs.Write(VmcsField.HostTrBase, descriptors.TaskBase);
        Vmcs.Write(VmcsField.HostGdtrBase, descriptors.GdtBase);
        Vmcs.Write(VmcsField.HostIdtrBase, descriptors.IdtBase);
        Vmcs.Write(VmcsField.HostSysenterCs, 0);
        Vmcs.Write(VmcsField.HostSysenterEsp, 0);
        Vmcs.Write(VmcsField.HostSysenterEip, 0);
        Vmcs.Write(VmcsField.HostPat, Msr.PatAfterReset);
        Vmcs.Write(VmcsField.HostEfer, Msr.Read(Msr.Efer));
        Vmcs.Write(VmcsField.HostRip, Stubs.VmxExitAddress());
    }
}
