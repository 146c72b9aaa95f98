using Xunit;

namespace Hv.HostTests.MkImage;

/// <summary>A test that is skipped, with the reason, where a tool of the machine is missing.</summary>
public sealed class NeedsToolFactAttribute : FactAttribute
{
    public NeedsToolFactAttribute(string tool, string package)
    {
        if (!Tool.IsInstalled(tool))
            Skip = $"{tool} is not installed (package {package}).";
    }
}
