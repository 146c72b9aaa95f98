using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace Hv.ShadowControl;

/// <summary>
/// Brings what the primary has changed in a directory since the shadow's start over to the promoted system. A file that has not changed here
/// becomes the primary's; one that has changed on both sides, and differently, is kept twice; one that the primary has deleted is deleted unless it
/// has changed here. Status change times (ctime) tell what has changed: both sides are branches of one file system.
/// </summary>
/// <param name="started">The moment of the start, in nanoseconds of the Unix time, by the primary's clock.</param>
/// <param name="slack">How long before the start, by its own clock, this system may have changed files: not 0 if its clock was behind. In nanoseconds.</param>
/// <param name="report">Takes the results.</param>
/// <param name="sharesInodes">Whether a file that both sides have had since before the start has the same inode number on both.</param>
public sealed class FileCarrier(long started, long slack, CarryReport report, bool sharesInodes = true)
{
    /// <summary>What is appended to the name of the primary's version.</summary>
    public const string Suffix = ".from-before-reboot";

    private const int MaxVersions = 100;

    private int _temporaries;
    private (uint, uint) _device;

    /// <summary>Carries the contents of the directory <paramref name="from"/> over to <paramref name="to"/>; a directory that either lacks is left alone.</summary>
    public void Carry(string from, string to)
    {
        if (!FileStatus.TryGet(from, out FileStatus primary) || !primary.IsFolder || !FileStatus.TryGet(to, out FileStatus own) || !own.IsFolder)
            return;
        try
        {
            using Folder source = Folder.Open(from), target = Folder.Open(to);
            _device = (target.Status.DeviceMajor, target.Status.DeviceMinor);
            Merge(source, target, isNew: false);
        }
        catch (IOException problem)
        {
            report.Problems.Add(problem.Message);
        }
    }

    private bool HasChanged(in FileStatus primary) => primary.Changed >= started;

    private bool HasChangedHere(in FileStatus own) => own.Changed >= started - slack;

    // Another inode under an old name: the primary has put something else there.
    private bool IsReplaced(in FileStatus primary, in FileStatus own) => sharesInodes && HasChanged(primary) && primary.Inode != own.Inode;

    private void Merge(Folder source, Folder target, bool isNew)
    {
        string[] names = source.Names(), ownNames = target.Names();
        foreach (string name in names.Order(StringComparer.Ordinal))
            Try(target, name, () => CarryEntry(source, target, name, isNew));
        if (HasChanged(source.Status))
        {
            foreach (string name in ownNames.Except(names, StringComparer.Ordinal))
                Try(target, name, () => Remove(target, name));
        }
        CarryProperties(source, target);
    }

    private void CarryEntry(Folder source, Folder target, string name, bool isNew)
    {
        if (!FileStatus.TryGet(source[name], out FileStatus primary))
            throw new IOException("it cannot be read from the disk of the system before");
        bool exists = FileStatus.TryGet(target[name], out FileStatus own);
        bool changed = isNew || HasChanged(primary);
        if (primary.IsFolder)
            CarryFolder(source, target, name, exists ? own : null, changed, primary);
        else if (!changed || !(primary.IsRegular || primary.IsSymlink))
            return;
        else if (!exists)
            Take(source, primary, target, name, name);
        else if (own.IsFolder)
            KeepBoth(source, primary, target, name);
        else if (IsUnchangedInBoth(primary, own) || (own.HasTypeOf(primary) && FileCopy.AreSame(source[name], primary, target[name], own)))
            return;
        else if (HasChangedHere(own))
            KeepBoth(source, primary, target, name);
        else
            Take(source, primary, target, name, name);
    }

    private bool IsUnchangedInBoth(in FileStatus primary, in FileStatus own) => sharesInodes && primary.Inode == own.Inode && primary.Changed == own.Changed;

    private void CarryFolder(Folder source, Folder target, string name, FileStatus? existing, bool changed, in FileStatus primary)
    {
        using Folder from = source.OpenFolder(name);
        if (existing is not { } own)
        {
            if (changed || HoldsChanges(from))
                MakeFolder(from, target, name, isNew: changed);
        }
        else if (own.IsFolder)
        {
            if ((own.DeviceMajor, own.DeviceMinor) != _device)
                return;
            using Folder to = target.OpenFolder(name);
            Merge(from, to, isNew: changed && IsReplaced(primary, own));
        }
        else if (!changed && !HoldsChanges(from))
        {
            return;
        }
        else if (HasChangedHere(own))
        {
            string free = FreeName(target, name);
            MakeFolder(from, target, free, isNew: true);
            report.Conflicts.Add(Path.Combine(target.Name, free));
        }
        else
        {
            Check(Posix.Unlink(target[name]));
            MakeFolder(from, target, name, isNew: true);
        }
    }

    // A directory that this system has deleted, while the primary has changed something below it.
    private bool HoldsChanges(Folder folder)
    {
        foreach (string name in folder.Names())
        {
            if (!FileStatus.TryGet(folder[name], out FileStatus status))
                continue;
            if (!status.IsFolder && HasChanged(status))
                return true;
            if (!status.IsFolder)
                continue;
            using Folder inner = folder.OpenFolder(name);
            if (HasChanged(status) || HoldsChanges(inner))
                return true;
        }
        return false;
    }

    private void MakeFolder(Folder from, Folder target, string name, bool isNew)
    {
        Check(Posix.MakeFolder(target[name], 0x1C0)); // 0700 until the owner is right
        using Folder to = target.OpenFolder(name);
        Merge(from, to, isNew);
        FileCopy.CopyProperties(from.Self, from.Status, to.Self);
    }

    private void CarryProperties(Folder source, Folder target)
    {
        if (!HasChanged(source.Status) || HasChangedHere(target.Status))
            return;
        try
        {
            FileCopy.CopyProperties(source.Self, source.Status, target.Self);
        }
        catch (IOException problem)
        {
            report.Problems.Add($"{target.Name}: {problem.Message}");
        }
    }

    private void Remove(Folder target, string name)
    {
        if (!FileStatus.TryGet(target[name], out FileStatus own) || HasChangedHere(own) && !own.IsFolder || (own.DeviceMajor, own.DeviceMinor) != _device)
            return;
        if (!own.IsFolder)
        {
            Check(Posix.Unlink(target[name]));
            report.Removed++;
            return;
        }
        using (Folder folder = target.OpenFolder(name))
        {
            foreach (string inner in folder.Names())
                Try(folder, inner, () => Remove(folder, inner));
        }
        // What has changed here is left in it, and then so is the directory.
        if (!HasChangedHere(own) && Posix.RemoveFolder(target[name]) == 0)
            report.Removed++;
    }

    private void Take(Folder source, in FileStatus primary, Folder target, string name, string newName)
    {
        string temporary = $".shadowctl-{Environment.ProcessId}-{_temporaries++}";
        try
        {
            FileCopy.Copy(source[name], primary, target[temporary]);
            Check(Posix.Rename(target[temporary], target[newName]));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            _ = Posix.Unlink(target[temporary]);
            throw;
        }
        report.Taken++;
    }

    private void KeepBoth(Folder source, in FileStatus primary, Folder target, string name)
    {
        string free = FreeName(target, name);
        // It may be there from an earlier try.
        if (FileStatus.TryGet(target[name + Suffix], out FileStatus before) && before.HasTypeOf(primary) && FileCopy.AreSame(source[name], primary, target[name + Suffix], before))
            return;
        Take(source, primary, target, name, free);
        report.Conflicts.Add(Path.Combine(target.Name, free));
    }

    private static string FreeName(Folder target, string name)
    {
        string free = name + Suffix;
        for (int i = 2; i <= MaxVersions && FileStatus.TryGet(target[free], out _); i++)
            free = $"{name}{Suffix}.{i}";
        return free;
    }

    private void Try(Folder target, string name, Action action)
    {
        try
        {
            action();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            report.Problems.Add($"{Path.Combine(target.Name, name)}: {problem.Message}");
        }
    }

    private static void Check(int result)
    {
        if (result < 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }
}
