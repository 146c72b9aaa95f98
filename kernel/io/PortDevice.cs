namespace Hv.Kernel.Io;

/// <summary>Something that answers a range of I/O ports: a device model for a guest's exits, or the real ports.</summary>
/// <remarks>Runs on the processor that took the exit. A guest can send anything: no access may fault, hang or assert.</remarks>
public abstract class PortDevice
{
    /// <summary>Reads <paramref name="size"/> bytes (1, 2 or 4) at I/O port <paramref name="port"/>.</summary>
    public abstract uint ReadPort(ushort port, int size);

    /// <summary>Writes the low <paramref name="size"/> bytes (1, 2 or 4) of <paramref name="value"/> to <paramref name="port"/>.</summary>
    public abstract void WritePort(ushort port, int size, uint value);
}
