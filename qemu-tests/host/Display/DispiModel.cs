using System;
using Hv.Kernel.Io;

namespace Hv.HostTests.Display;

/// <summary>A VGA card with the Bochs display interface: what its registers do when the mode is switched on, and a frame buffer of one byte for each pixel.</summary>
internal sealed class DispiModel : PortDevice
{
    private const int Width = 1, Height = 2, Depth = 3, Enable = 4, Bank = 5, VirtualWidth = 6, OffsetX = 8, OffsetY = 9;

    private readonly ushort[] _registers = new ushort[16];
    private int _index;
    private bool _isAddress;
    private byte _attribute = 0x20;

    public DispiModel() => _registers[0] = 0xB0C5;

    /// <summary>How many accesses there have been.</summary>
    public int Accesses { get; private set; }

    public bool WasCleared { get; private set; }

    public bool IsDark => (_attribute & 0x20) == 0;

    public ushort Id { set => _registers[0] = value; }

    public string Mode => string.Join(' ', _registers[Width], _registers[Height], _registers[Depth], _registers[Enable] & 0x41, _registers[Bank],
        _registers[VirtualWidth], _registers[OffsetX], _registers[OffsetY]);

    /// <summary>Sets a mode, as a driver does.</summary>
    public void Set(ushort width, ushort height, ushort depth, ushort virtualWidth, ushort offsetX, ushort offsetY)
    {
        foreach ((ushort register, ushort value) in new (ushort, ushort)[] { (Enable, 0), (Width, width), (Height, height), (Depth, depth), (Enable, 0x41), (Bank, 0), (VirtualWidth, virtualWidth), (OffsetX, offsetX), (OffsetY, offsetY) })
        {
            WritePort(0x1CE, 2, register);
            WritePort(0x1CF, 2, value);
        }
        WasCleared = false;
    }

    public void Darken(bool isDark) => _attribute = isDark ? (byte)0 : (byte)0x20;

    public override uint ReadPort(ushort port, int size)
    {
        Accesses++;
        switch (port)
        {
            case 0x1CF when size == 2:
                return _registers[_index];
            case 0x3DA when size == 1:
                _isAddress = true;
                return 0;
            case 0x3C0 when size == 1 && _isAddress:
                return _attribute;
            default:
                throw new InvalidOperationException($"port {port:x}, {size} bytes");
        }
    }

    public override void WritePort(ushort port, int size, uint value)
    {
        Accesses++;
        switch (port)
        {
            case 0x1CE when size == 2:
                _index = (int)value;
                break;
            case 0x1CF when size == 2:
                WriteRegister((ushort)value);
                break;
            case 0x3C0 when size == 1 && _isAddress:
                _attribute = (byte)value;
                _isAddress = false;
                break;
            default:
                throw new InvalidOperationException($"port {port:x}, {size} bytes");
        }
    }

    private void WriteRegister(ushort value)
    {
        bool isOn = (_registers[Enable] & 1) != 0;
        if (_index is Width or Height or Depth && isOn)
            return;
        if (_index == Enable && (value & 1) != 0 && !isOn)
        {
            _registers[VirtualWidth] = _registers[Width];
            _registers[OffsetX] = _registers[OffsetY] = 0;
            WasCleared |= (value & 0x80) == 0;
        }
        _registers[_index] = value;
    }
}
