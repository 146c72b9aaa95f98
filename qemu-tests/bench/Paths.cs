namespace Hv.Bench;

/// <summary>Where things are: the source tree, what the build makes, and the cache outside the tree.</summary>
public static class Paths
{
    /// <summary>The top folder of the source tree (the one with Hv.sln).</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The emulator tests' folder.</summary>
    public static string Tests => Path.Combine(Root, "qemu-tests");

    /// <summary>What builds and runs leave behind; not under version control.</summary>
    public static string Out => Path.Combine(Root, "out");

    /// <summary>Hv's image as the build makes it; HV_EFI names another.</summary>
    public static string Efi => Environment.GetEnvironmentVariable("HV_EFI") is { Length: > 0 } path ? path : Path.Combine(Out, "Hv.efi");

    /// <summary>Files laid over a guest's root file system before it starts (shadowctl and its unit).</summary>
    public static string GuestFiles => Path.Combine(Out, "guest-files");

    /// <summary>Downloads and images that outlive a run.</summary>
    public static string Cache => Environment.GetEnvironmentVariable("HV_CACHE") is { Length: > 0 } path
        ? path
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "hv");

    /// <summary>A new, empty folder for one run's logs and disks.</summary>
    public static string NewRun(string name)
    {
        for (int i = 1; ; i++)
        {
            string path = Path.Combine(Out, "runs", $"{DateTime.Now:yyyyMMdd-HHmmss}-{name}{(i == 1 ? "" : $"-{i}")}");
            if (!Directory.Exists(path))
                return Directory.CreateDirectory(path).FullName;
        }
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Hv.sln")))
                return folder.FullName;
        throw new BenchException("The source tree (the folder with Hv.sln) was not found above the program.");
    }
}
