using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

namespace Hv.ShadowControl;

/// <summary>
/// An open directory. Its files are reached through the descriptor, so that nobody who may write to it can put a symbolic link in the way.
/// </summary>
internal sealed class Folder : IDisposable
{
    private readonly int _descriptor;

    private Folder(int descriptor, string name, in FileStatus status)
    {
        _descriptor = descriptor;
        Name = name;
        Status = status;
    }

    /// <summary>The path for messages.</summary>
    public string Name { get; }

    /// <summary>The directory itself, when it was opened.</summary>
    public FileStatus Status { get; }

    /// <summary>The directory itself, for calls.</summary>
    public string Self => $"/proc/self/fd/{_descriptor}/.";

    /// <summary>A file in it, for calls that do not follow symbolic links.</summary>
    public string this[string name] => $"/proc/self/fd/{_descriptor}/{name}";

    /// <summary>Opens a directory.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static Folder Open(string path) => Open(path, path);

    /// <summary>Opens a directory in this one.</summary>
    /// <exception cref="IOException">It is none, or it cannot be opened.</exception>
    public Folder OpenFolder(string name) => Open(this[name], Path.Combine(Name, name));

    /// <summary>What is in it, in some order.</summary>
    public string[] Names()
    {
        var names = new List<string>();
        foreach (string path in Directory.EnumerateFileSystemEntries(Self, "*", new EnumerationOptions { AttributesToSkip = 0, ReturnSpecialDirectories = false }))
            names.Add(Path.GetFileName(path));
        return [.. names];
    }

    /// <inheritdoc/>
    public void Dispose() => Posix.Close(_descriptor);

    private static Folder Open(string path, string name)
    {
        int descriptor = Posix.Open(path, Posix.OpenFolder, 0);
        if (descriptor < 0)
            throw new IOException($"{name} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.");
        if (FileStatus.TryGet($"/proc/self/fd/{descriptor}/.", out FileStatus status))
            return new Folder(descriptor, name, status);
        Posix.Close(descriptor);
        throw new IOException($"{name} cannot be looked at.");
    }
}
