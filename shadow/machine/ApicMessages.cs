using Hv.Drivers.Pci;
using Hv.Kernel.Processor;

namespace Hv.Shadow.Machine;

/// <summary>Delivers a virtual device's messages to the primary through the real local APIC.</summary>
public sealed class ApicMessages : MessageSink
{
    private const ulong MessageWindow = 0xFEE0_0000, WindowMask = 0xFFF0_0000;
    private const uint DeliveryModeMask = 7 << 8, Fixed = 0, LowestPriority = 1 << 8;
    private const byte FirstLegalVector = 16;

    /// <inheritdoc/>
    /// <remarks>One processor in this slice: each destination that the guest can name is this one.</remarks>
    public override void Send(ulong address, uint data)
    {
        uint mode = data & DeliveryModeMask;
        byte vector = (byte)data;
        if ((address & WindowMask) != MessageWindow || address >> 32 != 0 || (mode != Fixed && mode != LowestPriority) || vector < FirstLegalVector)
            return;
        LocalApicAccess.SendToSelf(vector);
    }
}
