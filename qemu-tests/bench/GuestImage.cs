using System.Text;

namespace Hv.Bench;

/// <summary>A guest's disk image in the cache, made by its recipe in qemu-tests/guest.</summary>
public sealed class GuestImage
{
    private readonly string folder;
    private readonly Dictionary<string, string> info;

    private GuestImage(GuestKind kind, string folder)
    {
        Kind = kind;
        this.folder = folder;
        info = File.ReadLines(Path.Combine(folder, "info")).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
    }

    /// <summary>Which guest it is.</summary>
    public GuestKind Kind { get; }

    /// <summary>The kernel that the image starts.</summary>
    public string OldKernel => info["kernel_old"];

    /// <summary>The newer kernel, which can be installed.</summary>
    public string NewKernel => info["kernel_new"];

    /// <summary>Where the root file system begins on the disk, in bytes.</summary>
    public long RootOffset => long.Parse(info["root_offset"]);

    /// <summary>Gets a guest's image, building it if the cache has none of the present recipe.</summary>
    public static GuestImage Get(GuestKind kind, Action<string>? progress = null)
    {
        string recipe = Path.Combine(Paths.Tests, "guest", $"{kind.ToString().ToLowerInvariant()}.sh");
        return new GuestImage(kind, Tool.Run(recipe, [], progress).Trim().Split('\n')[^1]);
    }

    /// <summary>Copies the image to a new file and lays the files of <see cref="Paths.GuestFiles"/> over its root.</summary>
    public void CopyTo(string path)
    {
        Tool.Run("cp", ["--sparse=always", "--reflink=auto", Path.Combine(folder, "disk.img"), path]);
        if (Directory.Exists(Paths.GuestFiles))
            Overlay(path, Paths.GuestFiles);
    }

    /// <summary>Checks the root file system on a disk; null if it is clean, else what is wrong with it.</summary>
    public string? CheckFileSystem(string path)
    {
        (int code, string output, string errors) = Tool.TryRun("e2fsck", ["-f", "-n", $"{path}?offset={RootOffset}"]);
        return code == 0 ? null : (output + errors).Trim();
    }

    /// <summary>
    /// Copies the root file system of a disk to a file of its own and replays its journal, as mounting it would (e2fsck loses an offset when it opens the
    /// file system again after that). What is wrong then, or null.
    /// </summary>
    public string? ExtractRoot(string path, string root)
    {
        Tool.Run("dd", [$"if={path}", $"of={root}", "bs=1M", $"skip={RootOffset >> 20}", "conv=sparse", "status=none"]);
        (int code, string output, string errors) = Tool.TryRun("e2fsck", ["-y", "-E", "journal_only", root]);
        if (code is not (0 or 1))
            return (output + errors).Trim();
        (code, output, errors) = Tool.TryRun("e2fsck", ["-f", "-n", root]);
        return code == 0 ? null : (output + errors).Trim();
    }

    /// <summary>The output of a command of debugfs on a file system.</summary>
    public static string FileSystemCommand(string device, string command) => Tool.Run("debugfs", ["-R", command, device]);

    /// <summary>Puts an executable file on the root file system of the disk at <paramref name="path"/>, by way of a file of the host's.</summary>
    public void AddFile(string path, string target, string contents, string scratch)
    {
        File.WriteAllText(scratch, contents);
        _ = Tool.Run("debugfs", ["-w", "-f", "-", $"{path}?offset={RootOffset}"], input: $"rm {target}\nwrite {scratch} {target}\nsif {target} mode 0100755\n");
        if (!FileSystemCommand($"{path}?offset={RootOffset}", $"stat {target}").Contains("Mode:  0755", StringComparison.Ordinal))
            throw new BenchException($"{target} could not be put on the guest's disk.");
    }

    private void Overlay(string path, string source)
    {
        StringBuilder commands = new();
        foreach (FileSystemInfo entry in new DirectoryInfo(source).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            string target = "/" + Path.GetRelativePath(source, entry.FullName);
            if (entry.LinkTarget is { } link)
                commands.AppendLine($"rm {target}").AppendLine($"symlink {target} {link}");
            else if (entry is DirectoryInfo)
                commands.AppendLine($"mkdir {target}");
            else
                commands.AppendLine($"rm {target}").AppendLine($"write {entry.FullName} {target}")
                    .AppendLine($"sif {target} mode 0100{Convert.ToString((int)entry.UnixFileMode & 0x1FF, 8).PadLeft(3, '0')}");
        }
        // debugfs goes on after an error; that a directory is there already or a file is not is none for us.
        (_, _, string errors) = Tool.TryRun("debugfs", ["-w", "-f", "-", $"{path}?offset={RootOffset}"], input: commands.ToString());
        string? problem = errors.Split('\n').FirstOrDefault(line =>
            line.Length > 0 && !line.StartsWith("debugfs ", StringComparison.Ordinal) && !line.Contains("already exists", StringComparison.Ordinal) && !line.Contains("File not found", StringComparison.Ordinal));
        if (problem is not null)
            throw new BenchException($"The files of {source} could not be put on the guest's disk: {problem}");
    }
}
