using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Ahci;

/// <summary>An AHCI controller as a whole: taking it over from firmware, resetting it. The disks are at its ports: <see cref="AhciDisk"/>.</summary>
/// <remarks>The caller has enabled memory decoding and bus mastering of the PCI function, and has disabled INTx and MSI. Used by one processor at a time.</remarks>
public sealed class AhciController
{
    private const ulong Millisecond = 1_000_000;
    private const ulong ResetLimit = 1000 * Millisecond;
    // Firmware gives way within 25 ms, or within two seconds more if it says that it is busy (10.6.3).
    private const ulong HandoffLimit = 25 * Millisecond;
    private const ulong HandoffBusyLimit = 2000 * Millisecond;

    private readonly MmioDevice _registers;
    private readonly TimeSource _time;

    /// <summary>Drives the controller whose BAR 5 is <paramref name="registers"/>.</summary>
    public AhciController(MmioDevice registers, TimeSource time)
    {
        _registers = registers;
        _time = time;
    }

    /// <summary>The ports that exist, one bit each; after <see cref="Reset"/>.</summary>
    public uint Ports { get; private set; }

    /// <summary>Whether memory above 4 GiB can be reached; after <see cref="Reset"/>.</summary>
    public bool Has64BitAddresses { get; private set; }

    /// <summary>Whether a port can forget that its disk is busy; after <see cref="Reset"/>.</summary>
    public bool HasListOverride { get; private set; }

    /// <summary>
    /// Takes the controller over and resets it, whatever state it is in; all ports are then idle and no interrupt is enabled.
    /// <see cref="Status.NotFound"/>: there is no such controller. <see cref="Status.Timeout"/>: the reset does not end.
    /// </summary>
    public Status Reset()
    {
        uint capabilities = Read(AhciRegisters.Capabilities);
        if (capabilities == uint.MaxValue)
            return Status.NotFound;
        TakeOver();
        // Some controllers lose what firmware wrote here when they are reset.
        uint ports = Read(AhciRegisters.PortsImplemented);
        Write(AhciRegisters.GlobalControl, AhciRegisters.GlobalEnable);
        Write(AhciRegisters.GlobalControl, AhciRegisters.GlobalEnable | AhciRegisters.GlobalReset);
        var deadline = new Deadline(_time, ResetLimit);
        while ((Read(AhciRegisters.GlobalControl) & AhciRegisters.GlobalReset) != 0)
        {
            if (deadline.HasPassed)
                return Status.Timeout;
        }
        Write(AhciRegisters.GlobalControl, AhciRegisters.GlobalEnable);
        if (Read(AhciRegisters.PortsImplemented) == 0)
            Write(AhciRegisters.PortsImplemented, ports);
        Ports = Read(AhciRegisters.PortsImplemented);
        capabilities = Read(AhciRegisters.Capabilities);
        Has64BitAddresses = (capabilities & AhciRegisters.Cap64) != 0;
        HasListOverride = (capabilities & AhciRegisters.CapCommandListOverride) != 0;
        Write(AhciRegisters.InterruptStatus, uint.MaxValue);
        return Status.Ok;
    }

    internal MmioDevice Registers => _registers;

    /// <summary>Asks firmware to leave the controller alone (10.6.3). If it does not answer in time, it is overruled.</summary>
    private void TakeOver()
    {
        if ((Read(AhciRegisters.Capabilities2) & AhciRegisters.Cap2Handoff) == 0)
            return;
        Write(AhciRegisters.Handoff, Read(AhciRegisters.Handoff) | AhciRegisters.HandoffOs);
        var deadline = new Deadline(_time, HandoffLimit);
        var busyDeadline = new Deadline(_time, HandoffBusyLimit);
        while (true)
        {
            uint handoff = Read(AhciRegisters.Handoff);
            if ((handoff & AhciRegisters.HandoffFirmware) == 0)
                return;
            if ((handoff & AhciRegisters.HandoffBusy) != 0 ? busyDeadline.HasPassed : deadline.HasPassed)
                return;
        }
    }

    private uint Read(uint register) => (uint)_registers.ReadMmio(register, 4);

    private void Write(uint register, uint value) => _registers.WriteMmio(register, 4, value);
}
