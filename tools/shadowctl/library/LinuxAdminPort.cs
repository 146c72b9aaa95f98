using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hv.ShadowControl;

/// <summary>Sends admin commands through Linux's NVMe driver.</summary>
public sealed unsafe class LinuxAdminPort : IAdminPort
{
    // _IOWR('N', 0x41, struct nvme_passthru_cmd)
    private const ulong AdminCommandIoctl = 0xC000_0000 | PassthruCommand.Size << 16 | 'N' << 8 | 0x41;

    // After this long the driver resets the controller; a switch or a wait for it may take days.
    private const uint TimeoutMilliseconds = int.MaxValue;
    private const int StatusMask = 0x7ff;
    private const int NotPermitted = 1, AccessDenied = 13;

    private readonly SafeFileHandle _device;
    private readonly string _path;

    private LinuxAdminPort(SafeFileHandle device, string path)
    {
        _device = device;
        _path = path;
    }

    /// <summary>Opens the controller device <paramref name="path"/>, such as <c>/dev/nvme0</c>.</summary>
    /// <exception cref="ControlException">It cannot be opened.</exception>
    public static LinuxAdminPort Open(string path)
    {
        try
        {
            return new LinuxAdminPort(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), path);
        }
        catch (UnauthorizedAccessException)
        {
            throw new ControlException(ExitCode.NotPermitted, "Only root may talk to Hv.");
        }
        catch (IOException problem)
        {
            throw new ControlException(ExitCode.NoHypervisor, $"{path} cannot be opened: {problem.Message}");
        }
    }

    /// <inheritdoc/>
    public AdminReply Send(AdminCommand command, Span<byte> data)
    {
        fixed (byte* bytes = data)
        {
            PassthruCommand passthru = default;
            passthru.Opcode = command.Opcode;
            passthru.Address = (ulong)bytes;
            passthru.DataLength = (uint)data.Length;
            passthru.Dword10 = (uint)data.Length / 4;
            passthru.Dword12 = command.Dword12;
            passthru.Dword13 = command.Dword13;
            passthru.Dword14 = command.Dword14;
            passthru.TimeoutMilliseconds = TimeoutMilliseconds;
            int status = DeviceControl((int)_device.DangerousGetHandle(), AdminCommandIoctl, &passthru);
            if (status >= 0)
                return new AdminReply((ushort)(status & StatusMask), passthru.Result);
            int error = Marshal.GetLastPInvokeError();
            throw error is NotPermitted or AccessDenied
                ? new ControlException(ExitCode.NotPermitted, "Only root may talk to Hv.")
                : new ControlException(ExitCode.Failed, $"{_path} did not take the command: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int DeviceControl(int descriptor, ulong request, void* argument);
}
