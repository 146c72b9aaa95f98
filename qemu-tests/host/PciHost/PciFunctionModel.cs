using System;
using System.Buffers.Binary;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Xunit;

namespace Hv.HostTests;

/// <summary>A PCI function: configuration space with write masks, capabilities, and what a reset does to it.</summary>
public sealed class PciFunctionModel
{
    public readonly byte[] Config = new byte[4096];
    public readonly byte[] Writable = new byte[4096];
    public Action<int>? Written;
    public Action? Resetting;
    public int Resets;
    public int FlrTicks;
    public int PendingTicks;
    public bool DiesAtFlr;
    public bool IgnoresPowerStates;
    public int RetryTicksAfterFlr;
    public bool IsDead;

    private readonly byte[] _powerOn = new byte[4096];
    private int _lastCapability = PciRegister.CapabilitiesPointer - 1;
    private int _pm;
    private int _express;
    private int _af;
    private int _retryTicks;

    public PciFunctionModel(ushort vendor, ushort device, uint classCode, byte header = 0)
    {
        Put(PciRegister.VendorId, 2, vendor);
        Put(PciRegister.DeviceId, 2, device);
        Put(PciConfig.ClassRevision, 4, classCode << 8 | 3);
        Put(PciRegister.HeaderType, 1, header);
        Allow(PciRegister.Command, 2, 0x0547);
        Allow(PciRegister.CacheLineSize, 2, 0xFFFF);
        Allow(PciRegister.InterruptLine, 1, 0xFF);
        if ((header & 0x7F) == 1)
        {
            Allow(PciRegister.PrimaryBus, 3, 0xFFFFFF);
            Allow(PciRegister.BridgeControl, 2, 0x0FFF);
        }
    }

    public uint Get(int offset, int size)
    {
        uint value = 0;
        for (int index = size - 1; index >= 0; index--)
            value = value << 8 | Config[offset + index];
        return value;
    }

    public void Put(int offset, int size, uint value)
    {
        for (int index = 0; index < size; index++)
            Config[offset + index] = (byte)(value >> 8 * index);
    }

    public void Allow(int offset, int size, uint mask)
    {
        for (int index = 0; index < size; index++)
            Writable[offset + index] = (byte)(mask >> 8 * index);
    }

    /// <summary>A BAR of a power of two bytes.</summary>
    public void AddBar(int index, uint flags, ulong size, ulong address)
    {
        int offset = PciRegister.Bar0 + 4 * index;
        uint low = (uint)~(size - 1) & ~((flags & 1) != 0 ? 3u : 15u);
        Put(offset, 4, (uint)address | flags);
        Allow(offset, 4, low);
        if ((flags & PciRegister.BarWide) != 0 && (flags & 1) == 0)
        {
            Put(offset + 4, 4, (uint)(address >> 32));
            Allow(offset + 4, 4, (uint)(~(size - 1) >> 32));
        }
    }

    public int AddCapability(byte id, int offset)
    {
        Config[PciRegister.Status] |= (byte)PciRegister.StatusCapabilities;
        Config[_lastCapability + 1] = (byte)offset;
        Config[offset] = id;
        _lastCapability = offset;
        return offset;
    }

    public void AddPowerManagement(int offset, bool noSoftReset)
    {
        _pm = AddCapability(PciRegister.CapabilityPowerManagement, offset);
        Put(offset + 4, 2, noSoftReset ? 8u : 0);
        Allow(offset + 4, 2, 0x0103);
    }

    public void AddExpress(int offset, bool flr)
    {
        _express = AddCapability(PciRegister.CapabilityExpress, offset);
        Put(offset + PciCapability.ExpressFlags, 2, 2);
        Put(offset + PciCapability.ExpressDeviceCapabilities, 4, flr ? PciCapability.ExpressFlrCapable : 0);
        Allow(offset + PciCapability.ExpressDeviceControl, 2, 0x7FFF);
        Allow(offset + PciCapability.ExpressLinkControl, 2, 0xFFFF);
        Allow(offset + PciCapability.ExpressDeviceControl2, 2, 0xFFFF);
    }

    public void AddAdvancedFeatures(int offset)
    {
        _af = AddCapability(PciCapability.AdvancedFeatures, offset);
        Config[offset + 2] = 6;
        Config[offset + 3] = 3;
    }

    public void AddExtended(ushort id, int offset, int next) => Put(offset, 4, id | 1u << 16 | (uint)next << PciExtendedCapability.NextShift);

    public void AddMsi(int offset)
    {
        AddCapability(PciRegister.CapabilityMsi, offset);
        Put(offset + 2, 2, PciCapability.Msi64);
        Allow(offset + 2, 2, 0x71);
        Allow(offset + 4, 4, 0xFFFFFFFC);
        Allow(offset + 8, 4, 0xFFFFFFFF);
        Allow(offset + 12, 2, 0xFFFF);
    }

    public void AddMsiX(int offset)
    {
        AddCapability(PciRegister.CapabilityMsix, offset);
        Put(offset + 2, 2, 7);
        Allow(offset + 2, 2, 0xC000);
    }

    /// <summary>What it is now is what a reset makes of it; then firmware's settings may follow.</summary>
    public void PowerOnIsNow() => Config.CopyTo(_powerOn, 0);

    public void Reset()
    {
        Resetting?.Invoke();
        Resets++;
        _powerOn.CopyTo(Config, 0);
    }

    public uint Read(int offset, int size)
    {
        if (IsDead)
            return uint.MaxValue;
        if (_retryTicks > 0)
        {
            Assert.Equal(0, FlrTicks);
            return offset == 0 ? 0xFFFF0001 : uint.MaxValue;
        }
        Assert.Equal(0, FlrTicks); // not to be touched in the time after a reset
        if (_express != 0)
            Put(_express + PciCapability.ExpressDeviceStatus, 2, PendingTicks > 0 ? 0x20u : 0);
        if (_af != 0)
            Put(_af + PciCapability.AfStatus, 1, PendingTicks > 0 ? 1u : 0);
        return Get(offset, size);
    }

    public void Write(int offset, int size, uint value)
    {
        if (IsDead || _retryTicks > 0)
            return;
        Assert.Equal(0, FlrTicks);
        uint power = _pm == 0 ? 0 : Get(_pm + 4, 2) & 3;
        for (int index = 0; index < size; index++)
        {
            byte mask = Writable[offset + index];
            Config[offset + index] = (byte)(Config[offset + index] & ~mask | (byte)(value >> 8 * index) & mask);
        }
        Written?.Invoke(offset);
        if (_pm != 0 && power == 3 && (Get(_pm + 4, 2) & 11) == 0 && !IgnoresPowerStates)
            Reset();
        bool flr = _express != 0 && offset == _express + PciCapability.ExpressDeviceControl && (value & 0x8000) != 0 ||
            _af != 0 && offset == _af + PciCapability.AfControl && (value & 1) != 0;
        if (!flr)
            return;
        Assert.Equal(0u, Get(PciRegister.Command, 2) & PciRegister.CommandBusMaster);
        Reset();
        FlrTicks = 5;
        _retryTicks = RetryTicksAfterFlr;
        IsDead = DiesAtFlr;
    }

    public void Tick()
    {
        if (FlrTicks > 0)
            FlrTicks--;
        else if (_retryTicks > 0)
            _retryTicks--;
        if (PendingTicks > 0)
            PendingTicks--;
    }
}
