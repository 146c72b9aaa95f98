using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Shadow.Machine;

/// <summary>
/// How the primary starts its processors: INIT and start-up messages must not reach the real ones, which are in Hv (on AMD an INIT would reset them). So as long as one of them
/// waits to be started, the primary's writes to the interrupt command register exit, and these two kinds of messages are carried out by Hv. In xAPIC mode that means that the
/// whole page of the local APIC exits. When all processors run the OS nothing of this exits any more, until a system writes the shutdown code to the CMOS
/// memory by which a processor that is started anew finds its way (MultiProcessor Specification 1.4, B.4), or until a real INIT arrives.
/// </summary>
/// <remarks>With the machine's lock.</remarks>
public sealed unsafe class StartUps : MmioDevice
{
    /// <summary>The interrupt command register in x2APIC mode.</summary>
    public const uint CommandMsr = Msr.X2ApicFirst + LocalApicAccess.Command;

    /// <summary>CMOS memory: index and data.</summary>
    public const ushort CmosIndex = 0x70, CmosData = 0x71;

    private const ulong RegisterPage = 0xFEE0_0000;
    private const ulong CommandOffset = LocalApicAccess.Command * 16, CommandHighOffset = LocalApicAccess.CommandHigh * 16;
    private const byte CmosIndexMask = 0x7F, ShutdownStatus = 0x0F, WarmReset = 0x0A;

    private readonly HvMachine _machine;
    private readonly RealMmio _registers = new(new HostPhysical(RegisterPage));
    private readonly uint[] _apicIds;
    private byte _cmosIndex;
    private ulong _startUpsBefore;

    /// <summary>For the processors with these APIC IDs, the bootstrap processor's first. While booting only.</summary>
    public StartUps(HvMachine machine, uint[] apicIds)
    {
        _machine = machine;
        _apicIds = apicIds;
    }

    /// <summary>Whether the command register exits.</summary>
    public bool IsWatching { get; private set; }

    /// <summary>Whether the device answers at <paramref name="address"/>.</summary>
    public bool Owns(GuestPhysical address) => IsWatching && address.PageBase.Value == RegisterPage;

    /// <summary>Takes the local APIC's page out of a table that has just been filled, if it exits.</summary>
    public void HideRegisters(PageTable table)
    {
        if (IsWatching)
            _ = table.Unmap(RegisterPage, PageSize.Small);
    }

    /// <summary>From now on the command register exits on all processors.</summary>
    public void Watch()
    {
        if (_apicIds.Length == 1)
            return;
        _startUpsBefore = CountStartUps();
        if (IsWatching)
            return;
        IsWatching = true;
        _machine.PrimaryMaps.SetMsr(CommandMsr, false, true);
        HideRegisters(_machine.IdentityTable);
        _machine.Primary.FlushNested();
    }

    /// <summary>Stops that if all processors run the primary's OS, and one of them has been started since.</summary>
    public void EndIfAllRun()
    {
        if (IsWatching && AllRun && CountStartUps() != _startUpsBefore)
            End();
    }

    private void End()
    {
        IsWatching = false;
        _machine.PrimaryMaps.SetMsr(CommandMsr, false, false);
        _ = _machine.Identity.MapPage(_machine.IdentityTable, new GuestPhysical(RegisterPage));
    }

    /// <summary>The primary is another system now, or begins anew: watches if, and only if, it has processors to start.</summary>
    public void Update()
    {
        if (!AllRun)
            Watch();
        else if (IsWatching)
            End();
    }

    /// <summary>A real INIT has reached a processor of the primary.</summary>
    public void Initialize(Vcpu vcpu)
    {
        Watch();
        vcpu.Post(VcpuMessage.Init);
    }

    /// <summary>The primary has written to CMOS memory.</summary>
    public void ObserveCmos(ushort port, byte value)
    {
        if (port == CmosIndex)
            _cmosIndex = (byte)(value & CmosIndexMask);
        else if (_cmosIndex == ShutdownStatus && value == WarmReset)
            Watch();
    }

    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size) => _registers.ReadMmio(offset, size);

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        EndIfAllRun();
        if (offset == CommandOffset && Command((uint)(_registers.ReadMmio(CommandHighOffset, sizeof(uint)) >> InterruptCommand.XapicDestinationShift), (uint)value, InterruptCommand.XapicBroadcast))
            return;
        _registers.WriteMmio(offset, size, value);
    }

    /// <summary>The primary writes to the command register in x2APIC mode. False: the write is to be passed on.</summary>
    public bool Command(uint destination, uint command)
    {
        EndIfAllRun();
        return IsWatching && Command(destination, command, InterruptCommand.X2ApicBroadcast);
    }

    private bool Command(uint destination, uint value, uint broadcast)
    {
        var command = new InterruptCommand(value);
        if (!command.IsInit && !command.IsStartUp || command.IsLogical)
            return false;
        if (command.IsDeassert)
            return true;
        int self = PerProcessor.Current->Index;
        bool all = command.IsToAll || !command.HasShorthand && destination == broadcast;
        for (int i = 0; i < _apicIds.Length; i++)
        {
            bool isMeant = all || (command.IsToOthers ? _apicIds[i] != _apicIds[self] : command.IsToSelf ? _apicIds[i] == _apicIds[self] : _apicIds[i] == destination);
            if (isMeant)
                Send(i, command);
        }
        return true;
    }

    // Processors that have not joined yet are still the firmware's.
    private void Send(int index, InterruptCommand command)
    {
        if (index >= _machine.Processors.Count)
            LocalApicAccess.Send(_apicIds[index], command.WithoutShorthand);
        else if (command.IsStartUp)
            _machine.Primary.Vcpus[index].Post(VcpuMessage.StartUp, command.Vector);
        else if (index == 0)
            _machine.ResetMachine();
        else
            _machine.Primary.Vcpus[index].Post(VcpuMessage.Init);
    }

    private ulong CountStartUps()
    {
        ulong count = 0;
        for (int i = 0; i < _machine.Processors.Count; i++)
            count += _machine.Primary.Vcpus[i].StartUps;
        return count;
    }

    private bool AllRun
    {
        get
        {
            if (_machine.Primary.AllowsHypercalls || _machine.Processors.Count != _apicIds.Length)
                return false;
            for (int i = 1; i < _apicIds.Length; i++)
            {
                Vcpu vcpu = _machine.Primary.Vcpus[i];
                if (vcpu.WaitsForStartUp || vcpu.HasMessages || vcpu.StartUps == 0)
                    return false;
            }
            return true;
        }
    }
}
