using System.Diagnostics;

namespace Hv.Bench;

/// <summary>QEMU's edu device (docs/specs/edu.txt), driven from outside as if by a will of its own.</summary>
/// <param name="bus">The machine.</param>
/// <param name="configuration">Where its configuration space is, by address.</param>
/// <param name="registers">Where its registers are.</param>
public sealed class EduDevice(BusAccess bus, ulong configuration, ulong registers)
{
    private const ulong CommandRegister = 4, Source = 0x80, Target = 0x88, Count = 0x90, Command = 0x98, Buffer = 0x40000;
    private const ushort Memory = 2, BusMaster = 4;
    private const ulong Start = 1, ToMemory = 2, Transfer = 4096 - 8;

    /// <summary>Turns decoding and bus mastering on.</summary>
    public void BecomeBusMaster() => bus.Write16(configuration + CommandRegister, Memory | BusMaster);

    /// <summary>Writes what is in its buffer to an address; returns when it has finished, or says that it has.</summary>
    public void WriteTo(ulong target, TimeSpan limit) => Copy(Buffer, target, ToMemory, limit);

    /// <summary>Fills its buffer with what is at an address; returns when it has finished, or says that it has.</summary>
    public void ReadFrom(ulong source, TimeSpan limit) => Copy(source, Buffer, 0, limit);

    private void Copy(ulong source, ulong target, ulong direction, TimeSpan limit)
    {
        Stopwatch clock = Stopwatch.StartNew();
        BecomeBusMaster();
        Wait();
        bus.Write64(registers + Source, source);
        bus.Write64(registers + Target, target);
        bus.Write64(registers + Count, Transfer);
        bus.Write64(registers + Command, direction | Start);
        Wait();

        void Wait()
        {
            for (; (bus.Read64(registers + Command) & Start) != 0; Thread.Sleep(10))
            {
                if (clock.Elapsed > limit)
                    throw new BenchException("The edu device does not finish its transfer.");
            }
        }
    }
}
