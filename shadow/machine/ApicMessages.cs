using Hv.Drivers.Pci;
using Hv.Kernel.Processor;

namespace Hv.Shadow.Machine;

/// <summary>Delivers a virtual device's messages to the primary through the real local APIC.</summary>
public sealed class ApicMessages : MessageSink
{
    private const ulong MessageWindow = 0xFEE0_0000, WindowMask = 0xFFF0_0000;
    private const uint DeliveryModeMask = 7 << 8, Fixed = 0, LowestPriority = 1 << 8;
    private const byte FirstLegalVector = 16;
    private const int DestinationShift = 12;
    private const uint DestinationMask = 0xFF, CommandLogical = 1 << 11, LevelAssert = 1 << 14;
    private const ulong Logical = 1 << 2;

    /// <inheritdoc/>
    /// <remarks>The address names the destination as the command register does (Intel SDM vol. 3A, 11.11.1).</remarks>
    public override void Send(ulong address, uint data)
    {
        uint mode = data & DeliveryModeMask;
        byte vector = (byte)data;
        if ((address & WindowMask) != MessageWindow || address >> 32 != 0 || (mode != Fixed && mode != LowestPriority) || vector < FirstLegalVector)
            return;
        uint destination = (uint)(address >> DestinationShift) & DestinationMask;
        LocalApicAccess.Send(destination, mode | LevelAssert | vector | ((address & Logical) != 0 ? CommandLogical : 0));
    }
}
