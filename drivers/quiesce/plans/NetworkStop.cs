using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>Network controllers without a generic reset.</summary>
internal static class NetworkStop
{
    private const uint EthernetClass = 0x0200;
    private const ushort Intel = 0x8086, Realtek = 0x10EC;
    // Vendor in bits 31:16, device in bits 15:0.
    private const uint Pcnet = 0x1022_2000, HomePcnet = 0x1022_2001, Rtl8029 = 0x10EC_8029, Tulip21143 = 0x1011_0019, Vmxnet3 = 0x15AD_07B0;

    // Intel 8254x family software developer's manual, 13.4; 82574 data sheet, 10.2.
    private const int E1000Control = 0x0000, E1000State = 0x0008, E1000Cause = 0x00C0, E1000MaskClear = 0x00D8, E1000Receive = 0x0100, E1000Transmit = 0x0400;
    // The rings of both queues, of which PCI adapters have one (82574 data sheet, 10.2.5 and 10.2.6), and the registers of a ring.
    private const int E1000ReceiveRing = 0x2800, E1000TransmitRing = 0x3800, E1000RingDistance = 0x100;
    private const int RingAddressLow = 0x00, RingAddressHigh = 0x04, RingLength = 0x08, RingHead = 0x10, RingTail = 0x18, RingRegisters = 5;
    private const uint E1000MasterDisable = 1 << 2, E1000MasterEnabled = 1 << 19, E1000Reset = 1 << 26;

    // Intel 8255x open source software developer manual, 6.3.2 and 6.3.3.
    private const int I8255xInterruptMask = 0x03, I8255xPort = 0x08;
    private const uint I8255xSelectiveReset = 2, I8255xSoftwareReset = 0, I8255xMaskAll = 1;

    // RTL8139 data sheet, 5.4 and 5.6; the later ones of the family keep the place.
    private const int RtlCommand = 0x37, RtlInterruptMask = 0x3C;
    private const uint RtlReset = 1 << 4;

    // NE2000: command in port 0, reset by reading and writing port 1Fh; no bus mastering.
    private const int NeCommand = 0x00, NeReset = 0x1F;
    private const uint NeStop = 0x21;

    // Am79C970A data sheet: reading the reset register, which is at 14h in word mode and at 18h in double word mode.
    private const int PcnetWordReset = 0x14, PcnetDoubleWordReset = 0x18;

    // 21143 hardware reference manual, 3.2.2: CSR0, CSR6, CSR7.
    private const int TulipBusMode = 0x00, TulipOperationMode = 0x30, TulipInterrupts = 0x38;
    private const uint TulipReset = 1 << 0, TulipReceives = 1 << 1, TulipTransmits = 1 << 13;

    // VMware's vmxnet3: the command register and two of its commands.
    private const int VmxnetCommand = 0x20;
    private const uint VmxnetQuiesce = 0xCAFE_0001, VmxnetReset = 0xCAFE_0002;

    public static StopPlan? For(PciFunctionInfo function)
    {
        switch ((uint)function.Vendor << 16 | function.Device)
        {
            case Vmxnet3:
                return new StopPlan(1, resets: true, [StopStep.Write(VmxnetCommand, 4, VmxnetQuiesce), StopStep.Write(VmxnetCommand, 4, VmxnetReset)]);
            case Tulip21143:
                return new StopPlan(1, resets: true,
                [
                    StopStep.Write(TulipInterrupts, 4, 0),
                    StopStep.Change(TulipOperationMode, 4, TulipReceives | TulipTransmits, 0),
                    StopStep.Write(TulipBusMode, 4, TulipReset),
                    StopStep.Pause(1),
                    StopStep.Write(TulipBusMode, 4, 0),
                ]);
            case Pcnet or HomePcnet:
                return new StopPlan(0, resets: true, [StopStep.Read(PcnetDoubleWordReset, 4), StopStep.Read(PcnetWordReset, 2), StopStep.Pause(1)]);
            case Rtl8029:
                return new StopPlan(0, resets: true, [StopStep.Read(NeReset, 1), StopStep.Write(NeReset, 1, 0), StopStep.Pause(2), StopStep.Write(NeCommand, 1, NeStop)]);
        }
        if (function.Class >> 8 != EthernetClass)
            return null;
        if (function.Vendor == Realtek)
        {
            return new StopPlan(0, resets: true,
            [
                StopStep.Write(RtlInterruptMask, 2, 0),
                StopStep.Write(RtlCommand, 1, RtlReset),
                StopStep.Require(RtlCommand, 1, RtlReset, 0, 100),
            ]);
        }
        if (function.Vendor != Intel)
            return null;
        if (Is8255x(function.Device))
        {
            return new StopPlan(0, resets: true,
            [
                StopStep.Write(I8255xPort, 4, I8255xSelectiveReset),
                StopStep.Pause(1),
                StopStep.Write(I8255xPort, 4, I8255xSoftwareReset),
                StopStep.Pause(1),
                StopStep.Write(I8255xInterruptMask, 1, I8255xMaskAll),
            ]);
        }
        // Later Intel adapters have other registers, and function level reset.
        return function.HasFlr ? null : E1000(function.PciExpress != 0);
    }

    private static bool Is8255x(ushort device) => device is >= 0x1029 and <= 0x103E or >= 0x1050 and <= 0x1059 or >= 0x1064 and <= 0x106B
        or >= 0x1091 and <= 0x1095 or 0x1209 or >= 0x1227 and <= 0x1229 or 0x2449 or 0x2459 or 0x245D or 0x27DC;

    private static StopPlan E1000(bool isExpress)
    {
        StopStep[] reset =
        [
            StopStep.Write(E1000MaskClear, 4, uint.MaxValue),
            StopStep.Write(E1000Receive, 4, 0),
            StopStep.Write(E1000Transmit, 4, 0),
            // Reading it acknowledges what was pending.
            StopStep.Read(E1000Cause, 4),
            StopStep.Change(E1000Control, 4, 0, isExpress ? E1000MasterDisable : 0),
            StopStep.Await(E1000State, 4, isExpress ? E1000MasterEnabled : 0, 0, 20),
            StopStep.Change(E1000Control, 4, 0, E1000Reset),
            // The registers load from the EEPROM after a reset.
            StopStep.Pause(10),
            StopStep.Require(E1000Control, 4, E1000Reset, 0, 1000),
            StopStep.Write(E1000MaskClear, 4, uint.MaxValue),
            StopStep.Read(E1000Cause, 4),
        ];
        int queues = isExpress ? 2 : 1;
        var steps = new StopStep[reset.Length + queues * 2 * RingRegisters];
        int count = 0;
        while (count < reset.Length)
        {
            steps[count] = reset[count];
            count++;
        }
        // A reset empties the rings, but not QEMU's: Linux turns receiving on before it has set up its own, and packets would go to the old ones.
        for (int queue = 0; queue < queues; queue++)
        {
            ClearRing(steps, ref count, E1000ReceiveRing + queue * E1000RingDistance);
            ClearRing(steps, ref count, E1000TransmitRing + queue * E1000RingDistance);
        }
        return new StopPlan(0, resets: true, steps);
    }

    private static void ClearRing(StopStep[] steps, ref int count, int ring)
    {
        steps[count++] = StopStep.Write(ring + RingLength, 4, 0);
        steps[count++] = StopStep.Write(ring + RingHead, 4, 0);
        steps[count++] = StopStep.Write(ring + RingTail, 4, 0);
        steps[count++] = StopStep.Write(ring + RingAddressLow, 4, 0);
        steps[count++] = StopStep.Write(ring + RingAddressHigh, 4, 0);
    }
}
