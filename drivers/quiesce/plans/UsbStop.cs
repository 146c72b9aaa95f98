using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>USB host controllers: halt, then reset.</summary>
/// <remarks>
/// The hand-off from the firmware (xHCI 1.2, 7.1; EHCI 1.0, 5.1) needs nothing: the OS before has taken the controller and nobody gives it back, so
/// the next one finds it free.
/// </remarks>
internal static class UsbStop
{
    private const uint Uhci = 0x0C0300, Ohci = 0x0C0310, Ehci = 0x0C0320, Xhci = 0x0C0330;

    // xHCI 1.2, 5.4.1 and 5.4.2; EHCI 1.0, 2.3.1 and 2.3.2: the same in both, behind the capability registers.
    private const int Command = 0, State = 4;
    private const uint Run = 1 << 0, Reset = 1 << 1, XhciHalted = 1 << 0, EhciHalted = 1 << 12;

    // UHCI 1.1, 2.1, in ports.
    private const int UhciCommand = 0, UhciState = 2, UhciInterrupts = 4;
    private const uint UhciRun = 1 << 0, UhciReset = 1 << 1, UhciHalted = 1 << 5;

    // OHCI 1.0a, 7.1.2, 7.1.3 and 7.1.6.
    private const int OhciControl = 0x04, OhciCommand = 0x08, OhciInterruptDisable = 0x14;
    private const uint OhciReset = 1 << 0;

    private const int HaltLimit = 20, ResetLimit = 1000;

    public static StopPlan? For(PciFunctionInfo function) => function.Class switch
    {
        Xhci => WithCapabilities(XhciHalted),
        Ehci => WithCapabilities(EhciHalted),
        Uhci => new StopPlan(4, resets: true,
        [
            StopStep.Write(UhciInterrupts, 2, 0),
            StopStep.Change(UhciCommand, 2, UhciRun, 0),
            StopStep.Await(UhciState, 2, UhciHalted, UhciHalted, HaltLimit),
            StopStep.Write(UhciCommand, 2, UhciReset),
            StopStep.Require(UhciCommand, 2, UhciReset, 0, HaltLimit),
        ]),
        Ohci => new StopPlan(0, resets: true,
        [
            StopStep.Write(OhciInterruptDisable, 4, uint.MaxValue),
            // Functional state UsbReset with all lists off: nothing is fetched any more.
            StopStep.Write(OhciControl, 4, 0),
            StopStep.Write(OhciCommand, 4, OhciReset),
            StopStep.Require(OhciCommand, 4, OhciReset, 0, HaltLimit),
            // The reset has left it suspended; after power-on it is in UsbReset.
            StopStep.Write(OhciControl, 4, 0),
        ]),
        _ => null,
    };

    private static StopPlan WithCapabilities(uint halted) => new(0, resets: true,
    [
        StopStep.SkipCapabilities(),
        StopStep.Change(Command, 4, Run, 0),
        // One that does not halt in time is reset all the same.
        StopStep.Await(State, 4, halted, halted, HaltLimit),
        StopStep.Change(Command, 4, 0, Reset),
        // Registers must not be touched for a millisecond (xHCI 4.22.1.1).
        StopStep.Pause(1),
        StopStep.Require(Command, 4, Reset, 0, ResetLimit),
    ]);
}
