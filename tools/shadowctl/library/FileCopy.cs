using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hv.ShadowControl;

/// <summary>Copies and compares single files with owner, mode, times and extended attributes.</summary>
internal static unsafe class FileCopy
{
    private const int MaxAttributes = 64 * 1024;
    private const int MaxLink = 4096;
    private const uint ModeMask = 0xFFF;

    /// <summary>Copies a regular file or a symbolic link to a new name.</summary>
    /// <exception cref="IOException">That cannot be done; the new name may be there.</exception>
    public static void Copy(string from, in FileStatus status, string to)
    {
        if (status.IsSymlink)
        {
            Check(Posix.Symlink(ReadLink(from), to));
        }
        else
        {
            using FileStream source = new(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            int descriptor = Posix.Open(to, Posix.CreateNew, 0x180); // 0600 until the owner is right
            Check(descriptor);
            using FileStream target = new(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write);
            source.CopyTo(target);
        }
        CopyProperties(from, status, to);
    }

    /// <summary>Gives <paramref name="to"/> owner, extended attributes, mode and times of <paramref name="from"/>.</summary>
    /// <exception cref="IOException">That cannot be done.</exception>
    public static void CopyProperties(string from, in FileStatus status, string to)
    {
        // The owner first: a change of it clears set-user-ID.
        Check(Posix.ChangeOwner(to, status.User, status.Group));
        CopyAttributes(from, to);
        if (!status.IsSymlink)
            Check(Posix.ChangeMode(to, status.Mode & ModeMask));
        Check(status.SetTimesOf(to));
    }

    /// <summary>Whether two files are the same in type, contents, owner and mode.</summary>
    public static bool AreSame(string left, in FileStatus leftStatus, string right, in FileStatus rightStatus)
    {
        if (leftStatus.Mode != rightStatus.Mode || leftStatus.User != rightStatus.User || leftStatus.Group != rightStatus.Group)
            return false;
        if (leftStatus.IsSymlink)
            return ReadLink(left) == ReadLink(right);
        return leftStatus.IsRegular && leftStatus.Size == rightStatus.Size && HaveSameBytes(left, right);
    }

    private static bool HaveSameBytes(string left, string right)
    {
        using FileStream first = new(left, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using FileStream second = new(right, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] here = new byte[64 * 1024], there = new byte[64 * 1024];
        while (true)
        {
            int count = first.ReadAtLeast(here, here.Length, throwOnEndOfStream: false);
            if (second.ReadAtLeast(there, there.Length, throwOnEndOfStream: false) != count || !here.AsSpan(0, count).SequenceEqual(there.AsSpan(0, count)))
                return false;
            if (count < here.Length)
                return true;
        }
    }

    private static string ReadLink(string path)
    {
        byte* target = stackalloc byte[MaxLink];
        nint length = Posix.ReadLink(path, target, MaxLink);
        if (length < 0)
            throw Failure();
        return Encoding.UTF8.GetString(target, (int)length);
    }

    // Those that the target has beyond the source's are left: a fresh file has what its directory hands down.
    private static void CopyAttributes(string from, string to)
    {
        byte[] list = new byte[MaxAttributes], value = new byte[MaxAttributes];
        fixed (byte* names = list, bytes = value)
        {
            nint length = Posix.ListAttributes(from, names, MaxAttributes);
            if (length < 0 && Marshal.GetLastPInvokeError() == Posix.NotSupported)
                return;
            Check(length);
            for (nint at = 0; at < length; at += MemoryMarshal.CreateReadOnlySpanFromNullTerminated(names + at).Length + 1)
            {
                nint size = Posix.GetAttribute(from, names + at, bytes, MaxAttributes);
                if (size < 0 && Marshal.GetLastPInvokeError() == Posix.NoAttribute)
                    continue;
                Check(size);
                Check(Posix.SetAttribute(to, names + at, bytes, size, 0));
            }
        }
    }

    private static void Check(nint result)
    {
        if (result < 0)
            throw Failure();
    }

    private static IOException Failure() => new(Marshal.GetLastPInvokeErrorMessage());
}
