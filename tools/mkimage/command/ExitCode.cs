namespace Hv.MkImage;

/// <summary>The exit codes of mkimage.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;
    /// <summary>The image is damaged, or cannot be made from these files.</summary>
    public const int BadImage = 1;
    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;
    /// <summary>A file cannot be read or written.</summary>
    public const int InputOutput = 3;
}
