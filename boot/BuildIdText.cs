namespace Hv.Boot;

internal static partial class BuildId
{
    /// <summary>The name of the build.</summary>
    public const string Text = "0.1";
}
