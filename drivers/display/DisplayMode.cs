using Hv.Drivers.Pci.Host;
using Hv.Kernel.Io;

namespace Hv.Drivers.Display;

/// <summary>
/// The mode in which the firmware has left a display, and in which every system that starts from the boot snapshot takes it to be: a driver of the old system
/// may have set another one, shifted the picture or darkened it. Known of VGA cards with the Bochs display interface.
/// </summary>
/// <remarks>Used while no guest runs.</remarks>
public sealed class DisplayMode(PortDevice ports)
{
    private const uint VgaClass = 0x0300;

    // VGA: reading input status 1 makes the next access of the attribute controller's port one of its address register; while bit 5 of that is 0 the screen is dark.
    private const ushort InputStatus1 = 0x3DA, AttributeAddress = 0x3C0;

    // Device and vendor ID of QEMU's and Bochs' VGA, of QXL and of virtio-vga.
    private const uint StandardVga = 0x1111_1234, Qxl = 0x0100_1B36, VirtioVga = 0x1050_1AF4;

    private ushort _width, _height, _depth, _enable, _bank, _virtualWidth, _offsetX, _offsetY;
    private byte _attribute;

    /// <summary>Whether there is a mode to come back to.</summary>
    public bool IsKnown => (_enable & DispiRegister.Enabled) != 0;

    /// <summary>Whether a function is a display with this interface.</summary>
    public static bool IsCard(PciFunctionInfo function) =>
        function.Class >> 8 == VgaClass && ((uint)function.Device << 16 | function.Vendor) is (StandardVga or Qxl or VirtioVga);

    /// <summary>Takes the mode in which the display is now, if there is one of those displays.</summary>
    public void Capture(PciFunctionTable functions)
    {
        _enable = 0;
        bool hasCard = false;
        for (int i = 0; i < functions.Count; i++)
            hasCard |= IsCard(functions[i]);
        if (!hasCard || (Read(DispiRegister.Id) & ~DispiRegister.IdVersion) != DispiRegister.IdBase)
            return;
        _enable = Read(DispiRegister.Enable);
        _width = Read(DispiRegister.Width);
        _height = Read(DispiRegister.Height);
        _depth = Read(DispiRegister.Depth);
        _bank = Read(DispiRegister.Bank);
        _virtualWidth = Read(DispiRegister.VirtualWidth);
        _offsetX = Read(DispiRegister.OffsetX);
        _offsetY = Read(DispiRegister.OffsetY);
        _ = ports.ReadPort(InputStatus1, 1);
        _attribute = (byte)ports.ReadPort(AttributeAddress, 1);
    }

    /// <summary>Brings that mode back. What is in the frame buffer stays.</summary>
    public void Restore()
    {
        if (!IsKnown)
            return;
        Write(DispiRegister.Enable, 0);
        Write(DispiRegister.Width, _width);
        Write(DispiRegister.Height, _height);
        Write(DispiRegister.Depth, _depth);
        Write(DispiRegister.Enable, (ushort)(_enable | DispiRegister.KeepsMemory));
        Write(DispiRegister.Bank, _bank);
        Write(DispiRegister.VirtualWidth, _virtualWidth);
        Write(DispiRegister.OffsetX, _offsetX);
        Write(DispiRegister.OffsetY, _offsetY);
        _ = ports.ReadPort(InputStatus1, 1);
        ports.WritePort(AttributeAddress, 1, _attribute);
    }

    private ushort Read(ushort register)
    {
        ports.WritePort(DispiRegister.IndexPort, 2, register);
        return (ushort)ports.ReadPort(DispiRegister.DataPort, 2);
    }

    private void Write(ushort register, ushort value)
    {
        ports.WritePort(DispiRegister.IndexPort, 2, register);
        ports.WritePort(DispiRegister.DataPort, 2, value);
    }
}
