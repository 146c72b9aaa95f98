using System.Runtime.InteropServices;

namespace Hv.ShadowControl;

/// <summary>Calls of the C library that .NET has no method for. Each gives -1 on failure, with the reason as the last P/Invoke error.</summary>
internal static unsafe class Posix
{
    public const int NoEntry = 2, NotSupported = 95, NoAttribute = 61;

    // fcntl.h, sys/stat.h, linux/fs.h, sys/mount.h
    public const int CurrentFolder = -100;
    public const int NoFollow = 0x100;
    public const int OpenFolder = 0x10000 | 0x20000 | 0x80000; // O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC
    public const int OpenReadOnly = 0x80000; // O_CLOEXEC
    public const int CreateNew = 0x1 | 0x40 | 0x80 | 0x20000 | 0x80000; // O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_CLOEXEC
    public const uint StatusBasic = 0x7FF; // STATX_BASIC_STATS
    public const ulong FreezeFileSystem = 0xC004_5877, ThawFileSystem = 0xC004_5878, FlushBuffers = 0x1261;
    public const ulong MountReadOnly = 1, MountNoSetUserId = 2, MountNoDevices = 4, MountNoExecution = 8;

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    public static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mode);

    [DllImport("libc", EntryPoint = "close")]
    public static extern int Close(int descriptor);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static extern int DeviceControl(int descriptor, ulong request, void* argument);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static extern int Status(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, FileStatus* status);

    [DllImport("libc", EntryPoint = "mkdir", SetLastError = true)]
    public static extern int MakeFolder([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);

    [DllImport("libc", EntryPoint = "rmdir", SetLastError = true)]
    public static extern int RemoveFolder([MarshalAs(UnmanagedType.LPUTF8Str)] string path);

    [DllImport("libc", EntryPoint = "unlink", SetLastError = true)]
    public static extern int Unlink([MarshalAs(UnmanagedType.LPUTF8Str)] string path);

    [DllImport("libc", EntryPoint = "rename", SetLastError = true)]
    public static extern int Rename([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);

    [DllImport("libc", EntryPoint = "symlink", SetLastError = true)]
    public static extern int Symlink([MarshalAs(UnmanagedType.LPUTF8Str)] string target, [MarshalAs(UnmanagedType.LPUTF8Str)] string path);

    [DllImport("libc", EntryPoint = "readlink", SetLastError = true)]
    public static extern nint ReadLink([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte* target, nint room);

    [DllImport("libc", EntryPoint = "chmod", SetLastError = true)]
    public static extern int ChangeMode([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);

    [DllImport("libc", EntryPoint = "lchown", SetLastError = true)]
    public static extern int ChangeOwner([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);

    [DllImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    public static extern int SetTimes(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, long* times, int flags);

    [DllImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    public static extern nint ListAttributes([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte* list, nint room);

    [DllImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    public static extern nint GetAttribute([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte* name, byte* value, nint room);

    [DllImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    public static extern int SetAttribute([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte* name, byte* value, nint bytes, int flags);

    [DllImport("libc", EntryPoint = "lremovexattr", SetLastError = true)]
    public static extern int RemoveAttribute([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte* name);

    [DllImport("libc", EntryPoint = "mount", SetLastError = true)]
    public static extern int Mount(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string source, [MarshalAs(UnmanagedType.LPUTF8Str)] string target,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string type, ulong flags, [MarshalAs(UnmanagedType.LPUTF8Str)] string options);

    [DllImport("libc", EntryPoint = "umount2", SetLastError = true)]
    public static extern int Unmount([MarshalAs(UnmanagedType.LPUTF8Str)] string target, int flags);
}
