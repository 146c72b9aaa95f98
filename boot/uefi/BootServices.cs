using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_BOOT_SERVICES (UEFI 2.10, 4.4): the functions that Hv calls, at their places.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct BootServices
{
#pragma warning disable CS1591 // named as the specification names them
    public EfiTableHeader Header;
    public void* RaiseTpl;
    public void* RestoreTpl;
    public delegate* unmanaged<uint, EfiMemoryType, ulong, ulong*, ulong> AllocatePages;
    public delegate* unmanaged<ulong, ulong, ulong> FreePages;
    public delegate* unmanaged<ulong*, EfiMemoryDescriptor*, ulong*, ulong*, uint*, ulong> GetMemoryMap;
    public delegate* unmanaged<EfiMemoryType, ulong, void**, ulong> AllocatePool;
    public delegate* unmanaged<void*, ulong> FreePool;
    public delegate* unmanaged<uint, ulong, void*, void*, void**, ulong> CreateEvent;
    public void* SetTimer;
    public void* WaitForEvent;
    public void* SignalEvent;
    public void* CloseEvent;
    public void* CheckEvent;
    public delegate* unmanaged<void**, EfiGuid*, uint, void*, ulong> InstallProtocolInterface;
    public delegate* unmanaged<void*, EfiGuid*, void*, void*, ulong> ReinstallProtocolInterface;
    public delegate* unmanaged<void*, EfiGuid*, void*, ulong> UninstallProtocolInterface;
    public delegate* unmanaged<void*, EfiGuid*, void**, ulong> HandleProtocol;
    public void* Reserved;
    public void* RegisterProtocolNotify;
    public delegate* unmanaged<uint, EfiGuid*, void*, ulong*, void**, ulong> LocateHandle;
    public delegate* unmanaged<EfiGuid*, EfiDevicePath**, void**, ulong> LocateDevicePath;
    public delegate* unmanaged<EfiGuid*, void*, ulong> InstallConfigurationTable;
    public delegate* unmanaged<byte, void*, EfiDevicePath*, void*, ulong, void**, ulong> LoadImage;
    public delegate* unmanaged<void*, ulong*, char**, ulong> StartImage;
    public void* Exit;
    public delegate* unmanaged<void*, ulong> UnloadImage;
    public void* ExitBootServices;
    public void* GetNextMonotonicCount;
    public delegate* unmanaged<ulong, ulong> Stall;
    public delegate* unmanaged<ulong, ulong, ulong, char*, ulong> SetWatchdogTimer;
    public delegate* unmanaged<void*, void**, EfiDevicePath*, byte, ulong> ConnectController;
    public delegate* unmanaged<void*, void*, void*, ulong> DisconnectController;
    public void* OpenProtocol;
    public void* CloseProtocol;
    public void* OpenProtocolInformation;
    public void* ProtocolsPerHandle;
    public delegate* unmanaged<uint, EfiGuid*, void*, ulong*, void***, ulong> LocateHandleBuffer;
    public delegate* unmanaged<EfiGuid*, void*, void**, ulong> LocateProtocol;
#pragma warning restore CS1591

    /// <summary>AllocatePages: anywhere, below an address, at an address (7.2).</summary>
    public const uint AllocateAnyPages = 0, AllocateMaxAddress = 1, AllocateAddress = 2;
    /// <summary>LocateHandle: by protocol (7.3).</summary>
    public const uint ByProtocol = 2;
    /// <summary>CreateEvent: signalled at ExitBootServices; the priority its notification runs at (7.1).</summary>
    public const uint EventSignalExitBootServices = 0x201;
    /// <summary>TPL_NOTIFY.</summary>
    public const ulong TplNotify = 16;
}
