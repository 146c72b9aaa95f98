using System.Runtime.InteropServices;

namespace Hv.ShadowControl;

/// <summary>Linux's <c>struct statx</c> (linux/stat.h), as far as it is used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct FileStatus
{
    private const ushort TypeMask = 0xF000, Folder = 0x4000, Regular = 0x8000, Symlink = 0xA000;

    [FieldOffset(20)] public uint User;
    [FieldOffset(24)] public uint Group;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public ulong Size;
    [FieldOffset(64)] private long _accessSeconds;
    [FieldOffset(72)] private uint _accessNanoseconds;
    [FieldOffset(96)] private long _changeSeconds;
    [FieldOffset(104)] private uint _changeNanoseconds;
    [FieldOffset(112)] private long _modifySeconds;
    [FieldOffset(120)] private uint _modifyNanoseconds;
    [FieldOffset(136)] public uint DeviceMajor;
    [FieldOffset(140)] public uint DeviceMinor;

    public readonly bool IsFolder => (Mode & TypeMask) == Folder;

    public readonly bool IsRegular => (Mode & TypeMask) == Regular;

    public readonly bool IsSymlink => (Mode & TypeMask) == Symlink;

    public readonly bool HasTypeOf(in FileStatus other) => (Mode & TypeMask) == (other.Mode & TypeMask);

    /// <summary>When anything about the file changed last, in nanoseconds of the Unix time.</summary>
    public readonly long Changed => _changeSeconds * 1_000_000_000 + _changeNanoseconds;

    /// <summary>When its contents changed last.</summary>
    public readonly long Modified => _modifySeconds * 1_000_000_000 + _modifyNanoseconds;

    /// <summary>Looks at a file, not through a symbolic link; false if it cannot be looked at.</summary>
    public static bool TryGet(string path, out FileStatus status)
    {
        fixed (FileStatus* at = &status)
            return Posix.Status(Posix.CurrentFolder, path, Posix.NoFollow, Posix.StatusBasic, at) == 0;
    }

    /// <summary>Gives a file the access and modification times that are in here, not through a symbolic link.</summary>
    public readonly int SetTimesOf(string path)
    {
        long* times = stackalloc long[] { _accessSeconds, _accessNanoseconds, _modifySeconds, _modifyNanoseconds };
        return Posix.SetTimes(Posix.CurrentFolder, path, times, Posix.NoFollow);
    }
}
