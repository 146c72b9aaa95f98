namespace Hv.Kernel.Io;

/// <summary>What answers ports where no device is: all ones; writes are dropped.</summary>
public sealed class AbsentPorts : PortDevice
{
    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size) => uint.MaxValue;

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
    }
}
