namespace Hv.Drivers.Ahci;

/// <summary>Registers of an AHCI controller: byte offsets in BAR 5 and their bits (Serial ATA AHCI 1.3.1, chapter 3).</summary>
public static class AhciRegisters
{
    /// <summary>CAP: capabilities (3.1.1).</summary>
    public const uint Capabilities = 0x00;
    /// <summary>GHC: global control (3.1.2).</summary>
    public const uint GlobalControl = 0x04;
    /// <summary>IS: ports with interrupts pending (3.1.3).</summary>
    public const uint InterruptStatus = 0x08;
    /// <summary>PI: ports that exist (3.1.4).</summary>
    public const uint PortsImplemented = 0x0C;
    /// <summary>CAP2: more capabilities (3.1.10).</summary>
    public const uint Capabilities2 = 0x24;
    /// <summary>BOHC: handing over from firmware to OS (3.1.11).</summary>
    public const uint Handoff = 0x28;
    /// <summary>The registers of port 0; each port has <see cref="PortBytes"/>.</summary>
    public const uint Ports = 0x100;
    /// <summary>Bytes of registers of a port.</summary>
    public const uint PortBytes = 0x80;
    /// <summary>The most ports.</summary>
    public const int MaxPorts = 32;

    /// <summary>CAP.SCLO: a port can forget that the disk is busy.</summary>
    public const uint CapCommandListOverride = 1u << 24;
    /// <summary>CAP.S64A: 64-bit addresses.</summary>
    public const uint Cap64 = 1u << 31;
    /// <summary>GHC.HR: resets the controller; clears itself.</summary>
    public const uint GlobalReset = 1u << 0;
    /// <summary>GHC.AE: the AHCI registers are used, not the legacy ones.</summary>
    public const uint GlobalEnable = 1u << 31;
    /// <summary>CAP2.BOH: there is a handoff.</summary>
    public const uint Cap2Handoff = 1u << 0;
    /// <summary>BOHC.BOS: firmware owns the controller.</summary>
    public const uint HandoffFirmware = 1u << 0;
    /// <summary>BOHC.OOS: the OS wants the controller.</summary>
    public const uint HandoffOs = 1u << 1;
    /// <summary>BOHC.BB: firmware is still finishing commands.</summary>
    public const uint HandoffBusy = 1u << 4;

    /// <summary>PxCLB: command list base, 1 KiB aligned (3.3.1); the upper half follows.</summary>
    public const uint CommandList = 0x00;
    /// <summary>PxFB: received FIS base, 256 bytes aligned (3.3.3); the upper half follows.</summary>
    public const uint ReceivedFis = 0x08;
    /// <summary>PxIS: interrupt status, cleared by writing ones (3.3.5).</summary>
    public const uint PortInterruptStatus = 0x10;
    /// <summary>PxIE: interrupt enable (3.3.6).</summary>
    public const uint PortInterruptEnable = 0x14;
    /// <summary>PxCMD: command and status (3.3.7).</summary>
    public const uint PortCommand = 0x18;
    /// <summary>PxTFD: status of the disk in bits 7:0, its error register in bits 15:8 (3.3.8).</summary>
    public const uint TaskFile = 0x20;
    /// <summary>PxSIG: what kind of device it is (3.3.9).</summary>
    public const uint Signature = 0x24;
    /// <summary>PxSSTS: state of the link (3.3.10).</summary>
    public const uint LinkStatus = 0x28;
    /// <summary>PxSCTL: control of the link (3.3.11).</summary>
    public const uint LinkControl = 0x2C;
    /// <summary>PxSERR: errors, cleared by writing ones (3.3.12).</summary>
    public const uint LinkError = 0x30;
    /// <summary>PxCI: commands issued, one bit for each slot (3.3.14).</summary>
    public const uint CommandIssue = 0x38;

    /// <summary>PxIS: errors that stop the port: task file (TFES), host bus (HBFS, HBDS), interface (IFS).</summary>
    public const uint PortFatalErrors = 1u << 30 | 1u << 29 | 1u << 28 | 1u << 27;
    /// <summary>PxCMD.ST: commands are processed.</summary>
    public const uint PortStart = 1u << 0;
    /// <summary>PxCMD.SUD: spins the disk up.</summary>
    public const uint PortSpinUp = 1u << 1;
    /// <summary>PxCMD.POD: power for the disk.</summary>
    public const uint PortPowerOn = 1u << 2;
    /// <summary>PxCMD.CLO: forgets that the disk is busy; clears itself.</summary>
    public const uint PortListOverride = 1u << 3;
    /// <summary>PxCMD.FRE: received FISes are stored.</summary>
    public const uint PortReceive = 1u << 4;
    /// <summary>PxCMD.FR: the receive engine runs.</summary>
    public const uint PortReceiveRunning = 1u << 14;
    /// <summary>PxCMD.CR: the command engine runs.</summary>
    public const uint PortRunning = 1u << 15;
    /// <summary>PxCMD.ICC, bits 31:28: the link is to become active.</summary>
    public const uint PortLinkActive = 1u << 28;
    /// <summary>PxCMD.ICC: the field.</summary>
    public const uint PortLinkMask = 0xFu << 28;
    /// <summary>PxSSTS.DET and PxSCTL.DET: the field.</summary>
    public const uint DetectMask = 0xF;
    /// <summary>PxSSTS.DET: a device, and the link works.</summary>
    public const uint DetectPresent = 3;
    /// <summary>PxSCTL.DET: resets the link (COMRESET).</summary>
    public const uint DetectReset = 1;
    /// <summary>PxSCTL.IPM: no power saving of the link.</summary>
    public const uint LinkNoPowerSaving = 3u << 8;
    /// <summary>PxSIG of a disk.</summary>
    public const uint SignatureDisk = 0x0000_0101;
}
