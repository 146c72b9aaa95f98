using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;
using Hv.Kernel.Diagnostics;

namespace Hv.Shadow.Machine;

/// <content>How a promoted system learns that its devices are there.</content>
public sealed unsafe partial class HvMachine
{
    private const uint DisplayClass = 3;

    private bool _findsDevices;

    /// <summary>The event by which an OS without agent is told.</summary>
    public HotAddEvent HotAdd { get; }

    // With the switch over. The interrupt is sent as the I/O APIC would send it: its pin cannot be pulled by software.
    private void AnnounceDevices(GuestVm promoted)
    {
        promoted.PrimaryPorts.Absent = null;
        if (_findsDevices || !HotAdd.Raise())
            return;
        promoted.PrimaryPorts.Absent = FindBootDisplay();
        if (IoApic.TryReadMessage(Real.IoApic, Configuration.Acpi.SciGsi, out ulong address, out uint data))
            ApicMessages.Send(address, data);
        Log.Line("Hv: the OS is told of its devices, vector ", data & 0xFF);
    }

    // The display whose registers the firmware's frame buffer lies in; null if there is none. An OS that shows its console there has given these
    // addresses away, and could not use the display before it has given up the frame buffer, which only an agent has it do.
    private PciFunctionInfo? FindBootDisplay()
    {
        PciFunctionInfo? found = null;
        ulong best = 0;
        for (int i = 0; i < Functions.Count && FrameBuffer != 0; i++)
        {
            PciFunctionInfo function = Functions[i];
            if (function.Class >> 16 != DisplayClass)
                continue;
            for (int k = 0; k < PciFunctionInfo.MaxBars; k++)
            {
                ref readonly PciBaseAddress bar = ref function.Bars[k];
                if (!bar.IsMemory || bar.Address == 0 || bar.Address > FrameBuffer || bar.Address < best)
                    continue;
                best = bar.Address;
                found = function;
            }
        }
        return found;
    }
}
