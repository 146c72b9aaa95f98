using Hv.Kernel.Processor;

namespace Hv.Kernel.Io;

/// <summary>The machine's own I/O ports.</summary>
public sealed class RealPorts : PortDevice
{
    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size) =>
        size == 1 ? Stubs.In8(port) : size == 2 ? Stubs.In16(port) : Stubs.In32(port);

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        if (size == 1)
            Stubs.Out8(port, value);
        else if (size == 2)
            Stubs.Out16(port, value);
        else
            Stubs.Out32(port, value);
    }
}
