using System.Collections.Generic;
using Hv.Drivers.Pci.Host;
using Hv.Kernel.Io;
using Xunit;

namespace Hv.HostTests;

/// <summary>Functions at addresses, reached through the ports CF8h/CFCh or through an ECAM window.</summary>
public sealed class PciBusModel
{
    public readonly Dictionary<ushort, PciFunctionModel> Functions = [];

    public PciBusModel()
    {
        Ports = new ConfigPorts(this);
        Window = new EcamWindow(this);
    }

    public ConfigPorts Ports { get; }

    public EcamWindow Window { get; }

    public PciFunctionModel Add(int bus, int device, int function, PciFunctionModel model)
    {
        Functions.Add(new PciAddress(bus, device, function).Value, model);
        return model;
    }

    public void Tick()
    {
        foreach (PciFunctionModel function in Functions.Values)
            function.Tick();
    }

    private uint Read(ushort address, int offset, int size)
    {
        uint all = size == 4 ? uint.MaxValue : (1u << 8 * size) - 1;
        return Functions.TryGetValue(address, out PciFunctionModel? model) ? model.Read(offset, size) & all : all;
    }

    private void Write(ushort address, int offset, int size, uint value)
    {
        if (Functions.TryGetValue(address, out PciFunctionModel? model))
            model.Write(offset, size, value);
    }

    public sealed class ConfigPorts(PciBusModel bus) : PortDevice
    {
        public uint Address;

        public override uint ReadPort(ushort port, int size)
        {
            if (port == 0xCF8)
            {
                Assert.Equal(4, size);
                return Address;
            }
            return bus.Read(Function, Offset(port, size), size);
        }

        public override void WritePort(ushort port, int size, uint value)
        {
            if (port == 0xCF8)
            {
                Assert.Equal(4, size);
                Address = value;
                return;
            }
            bus.Write(Function, Offset(port, size), size, value);
        }

        private ushort Function => (ushort)(Address >> 8);

        private int Offset(ushort port, int size)
        {
            Assert.InRange(port, 0xCFC, 0xD00 - size);
            Assert.Equal(0x80000000, Address & 0xFF000003);
            return (int)(Address & 0xFC) + port - 0xCFC;
        }
    }

    public sealed class EcamWindow(PciBusModel bus) : MmioDevice
    {
        /// <summary>The first bus of the window.</summary>
        public int FirstBus;

        public override ulong ReadMmio(ulong offset, int size) => bus.Read(Function(offset), (int)offset & 0xFFF, size);

        public override void WriteMmio(ulong offset, int size, ulong value) =>
            bus.Write(Function(offset), (int)offset & 0xFFF, size, (uint)value);

        private ushort Function(ulong offset) => (ushort)((offset >> 12) + (ulong)(FirstBus << 8));
    }
}
