using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Hv.Drivers.Nvme.Virtual;

namespace Hv.ShadowControl;

/// <summary>Disks and file systems of Linux, by way of sysfs and procfs.</summary>
/// <param name="root">Where the file system begins; something else in tests.</param>
public sealed unsafe class LinuxStorage(string root = "/") : IStorage
{
    private const uint SysfsSector = 512;
    private const string StartMarkPath = "var/lib/shadowctl/started", DriversPath = "var/lib/shadowctl/drivers", NetworkPath = "var/lib/shadowctl/network-cards", LastViewPath = "run/shadowctl/last-view-";

    /// <inheritdoc/>
    public bool HasDisk => FindController(root) != null;

    /// <inheritdoc/>
    public uint SectorBytes => FindDisk(VirtualNvmeController.MainNamespace) is { } disk
        && uint.TryParse(Read(Path.Combine(disk, "queue/logical_block_size")), CultureInfo.InvariantCulture, out uint bytes) ? bytes : SysfsSector;

    /// <summary>The folder of sysfs that stands for Hv's controller in the system under <paramref name="root"/>, or null.</summary>
    public static string? FindController(string root)
    {
        string model = Encoding.ASCII.GetString(NvmeIdentity.Model).Trim();
        return Folders(Path.Combine(root, "sys/class/nvme")).FirstOrDefault(controller => Read(Path.Combine(controller, "model")) == model);
    }

    /// <inheritdoc/>
    public string? ReadText(string path)
    {
        path = Inside(path);
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ControlException(ExitCode.Failed, $"{path} cannot be read: {problem.Message}");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<DiskPartition> Partitions()
    {
        if (FindDisk(VirtualNvmeController.MainNamespace) is not { } disk)
            return [];
        var partitions = new List<DiskPartition>();
        using FileStream? device = OpenDevice(Path.GetFileName(disk));
        IReadOnlyDictionary<int, (string Id, string Name)> table = device == null ? new Dictionary<int, (string, string)>() : GptReader.Read(device, SectorBytes);
        foreach (string folder in Folders(disk))
        {
            if (!int.TryParse(Read(Path.Combine(folder, "partition")), CultureInfo.InvariantCulture, out int number)
                || !ulong.TryParse(Read(Path.Combine(folder, "start")), CultureInfo.InvariantCulture, out ulong start)
                || !ulong.TryParse(Read(Path.Combine(folder, "size")), CultureInfo.InvariantCulture, out ulong size))
                continue;
            (string id, string label) = table.TryGetValue(number, out (string Id, string Name) entry) ? entry : ("", "");
            partitions.Add(new DiskPartition(number, Path.GetFileName(folder), Read(Path.Combine(folder, "dev")) ?? "",
                start * SysfsSector, size * SysfsSector, id, label, FileSystemId(device, start * SysfsSector)));
        }
        return [.. partitions.OrderBy(partition => partition.Number)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<MountedFileSystem> Mounts()
    {
        // proc(5): ID, parent, device, root, mount point, options, optional fields, "-", type, source, options.
        var mounts = new List<MountedFileSystem>();
        foreach (string line in Lines("proc/self/mountinfo"))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash >= 6 && dash + 1 < fields.Length)
                mounts.Add(new MountedFileSystem(fields[2], Unescape(fields[3]), Unescape(fields[4]), fields[dash + 1]));
        }
        return mounts;
    }

    /// <inheritdoc/>
    public IReadOnlyList<FstabEntry> Fstab()
    {
        var entries = new List<FstabEntry>();
        foreach (string line in Lines("etc/fstab"))
        {
            string[] fields = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 3 && fields[0][0] != '#')
            {
                entries.Add(new FstabEntry(Unescape(fields[0]), Unescape(fields[1]), fields[2], fields.Length > 3 ? fields[3] : "defaults",
                    fields.Length > 5 && int.TryParse(fields[5], CultureInfo.InvariantCulture, out int pass) ? pass : 0));
            }
        }
        return entries;
    }

    /// <inheritdoc/>
    public void MarkStart() => Note(StartMarkPath, "The status change time of this file is when the last shadow was started.\n");

    /// <inheritdoc/>
    public void NoteDrivers(IReadOnlyList<string> aliases) => NoteLines(DriversPath, aliases);

    /// <inheritdoc/>
    public IReadOnlyList<string> NotedDrivers() => NotedLines(DriversPath) ?? [];

    /// <inheritdoc/>
    public void NoteNetworkCards(IReadOnlyList<string> addresses) => NoteLines(NetworkPath, addresses);

    /// <inheritdoc/>
    public IReadOnlyList<string>? NotedNetworkCards() => NotedLines(NetworkPath);

    private void NoteLines(string note, IReadOnlyList<string> lines) => Note(note, string.Concat(lines.Select(line => line + "\n")));

    private string[]? NotedLines(string note) => ReadText("/" + note)?.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private void Note(string note, string text)
    {
        string path = Inside(note);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Delete(path);
            File.WriteAllText(path, text);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ControlException(ExitCode.Failed, $"{path} cannot be written: {problem.Message}");
        }
    }

    /// <inheritdoc/>
    public long? StartMark() => FileStatus.TryGet(Inside(StartMarkPath), out FileStatus status) ? status.Changed : null;

    /// <inheritdoc/>
    public bool Freeze(string mountPoint) => Control(Inside(mountPoint), Posix.FreezeFileSystem);

    /// <inheritdoc/>
    public void Thaw(string mountPoint) => _ = Control(Inside(mountPoint), Posix.ThawFileSystem);

    /// <inheritdoc/>
    public void ForgetCache(DiskPartition partition) => _ = Control(Inside("dev/" + partition.Name), Posix.FlushBuffers);

    /// <inheritdoc/>
    public string? FindNamespace(uint id)
    {
        if (FindController(root) is not { } controller)
            return null;
        try
        {
            File.WriteAllText(Path.Combine(controller, "rescan_controller"), "1");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The kernel looks by itself, too, when the controller tells it of a change.
        }
        return FindDisk(id) is { } disk && Folders(disk).Any(folder => File.Exists(Path.Combine(folder, "partition"))) ? Path.GetFileName(disk) : null;
    }

    /// <inheritdoc/>
    public string MountLastView(string name, int partition, string type)
    {
        // Both file systems were frozen before the view was kept: their journals are empty, and need no replay, which a read-only disk could not have.
        string options = type switch
        {
            "ext2" or "ext3" or "ext4" => "noload",
            "xfs" => "norecovery,nouuid",
            _ => throw new ControlException(ExitCode.Failed, $"Files cannot be carried over from a file system of type {type}."),
        };
        const ulong flags = Posix.MountReadOnly | Posix.MountNoSetUserId | Posix.MountNoDevices | Posix.MountNoExecution;
        string directory = Inside(LastViewPath + partition.ToString(CultureInfo.InvariantCulture)), device = Inside($"dev/{name}p{partition}");
        Directory.CreateDirectory(directory);
        if (Posix.Mount(device, directory, type == "ext2" ? "ext4" : type, flags, options) != 0)
            throw new ControlException(ExitCode.Failed, $"{device} cannot be mounted: {Marshal.GetLastPInvokeErrorMessage()}.");
        return directory;
    }

    /// <inheritdoc/>
    public void UnmountLastView(string directory)
    {
        const int detach = 2;
        _ = Posix.Unmount(directory, detach);
        _ = Posix.RemoveFolder(directory);
    }

    /// <summary>The four escapes of mountinfo and fstab: \040, \011, \012 and \134.</summary>
    internal static string Unescape(string field) =>
        field.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    private static bool Control(string path, ulong request)
    {
        int descriptor = Posix.Open(path, Posix.OpenReadOnly, 0);
        if (descriptor < 0)
            return false;
        bool done = Posix.DeviceControl(descriptor, request, null) == 0;
        _ = Posix.Close(descriptor);
        return done;
    }

    private static string FileSystemId(FileStream? device, ulong start)
    {
        if (device == null)
            return "";
        try
        {
            byte[] bytes = new byte[SuperblockReader.Bytes];
            device.Position = (long)start;
            return device.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length ? SuperblockReader.FindId(bytes) : "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    private FileStream? OpenDevice(string name)
    {
        try
        {
            return new FileStream(Inside("dev/" + name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string? FindDisk(uint id)
    {
        if (FindController(root) is not { } controller)
            return null;
        string number = id.ToString(CultureInfo.InvariantCulture);
        return Folders(controller).FirstOrDefault(disk => Read(Path.Combine(disk, "nsid")) == number);
    }

    private string Inside(string path) => Path.Combine(root, path.TrimStart('/'));

    private string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(Inside(path));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string[] Folders(string path)
    {
        try
        {
            string[] folders = Directory.GetDirectories(path);
            Array.Sort(folders, StringComparer.Ordinal);
            return folders;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
