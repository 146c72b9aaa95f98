using Hv.Kernel.Io;

namespace Hv.HostTests;

/// <summary>The same registers, reached by ports.</summary>
public sealed class RegisterPorts(RegisterMemory registers) : PortDevice
{
    public override uint ReadPort(ushort port, int size) => (uint)registers.ReadMmio(port, size);

    public override void WritePort(ushort port, int size, uint value) => registers.WriteMmio(port, size, value);
}
