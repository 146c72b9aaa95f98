using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>Sound controllers.</summary>
internal static class AudioStop
{
    private const uint HighDefinitionClass = 0x0403, AudioClass = 0x0401;
    private const ushort Intel = 0x8086, Ensoniq = 0x1274, Es1370 = 0x5000;

    // High Definition Audio 1.0a, 3.3.7, 3.3.14, 3.3.22, 3.3.29, 3.3.32 and 3.3.35.
    private const int Control = 0x08, Interrupts = 0x20, CommandRing = 0x4C, ResponseRing = 0x5C, PositionBuffer = 0x70, Stream = 0x80, StreamBytes = 0x20;
    private const uint OutOfReset = 1 << 0, RingRuns = 1 << 1, StreamRuns = 1 << 1, PositionsWritten = 1 << 0;

    // Intel ICH data sheet, 13.2.7: the control registers of PCM in, PCM out and microphone, in ports.
    private const int PcmIn = 0x0B, PcmOut = 0x1B, Microphone = 0x2B;
    private const uint BoxReset = 1 << 1;

    // Ensoniq ES1370 specification: interrupt and chip select control, serial interface control, in ports.
    private const int EsControl = 0x00, EsSerial = 0x20;

    public static StopPlan? For(PciFunctionInfo function)
    {
        if (function.Class >> 8 == HighDefinitionClass)
        {
            return new StopPlan(0, resets: true,
            [
                StopStep.Write(Interrupts, 4, 0),
                StopStep.ClearEach(Stream, 1, StreamRuns, StreamBytes),
                StopStep.Change(CommandRing, 1, RingRuns, 0),
                StopStep.Change(ResponseRing, 1, RingRuns, 0),
                StopStep.Await(CommandRing, 1, RingRuns, 0, 10),
                StopStep.Change(PositionBuffer, 4, PositionsWritten, 0),
                // It stays in reset, as after power-on.
                StopStep.Change(Control, 4, OutOfReset, 0),
                StopStep.Require(Control, 4, OutOfReset, 0, 100),
            ]);
        }
        if (function.Class >> 8 != AudioClass)
            return null;
        if (function.Vendor == Intel)
        {
            return new StopPlan(1, resets: true,
            [
                StopStep.Write(PcmIn, 1, 0),
                StopStep.Write(PcmOut, 1, 0),
                StopStep.Write(Microphone, 1, 0),
                StopStep.Write(PcmIn, 1, BoxReset),
                StopStep.Write(PcmOut, 1, BoxReset),
                StopStep.Write(Microphone, 1, BoxReset),
                StopStep.Require(PcmIn, 1, BoxReset, 0, 100),
                StopStep.Require(PcmOut, 1, BoxReset, 0, 100),
                StopStep.Require(Microphone, 1, BoxReset, 0, 100),
            ]);
        }
        return function.Vendor == Ensoniq && function.Device == Es1370
            ? new StopPlan(0, resets: true, [StopStep.Write(EsSerial, 4, 0), StopStep.Write(EsControl, 4, 0)])
            : null;
    }
}
