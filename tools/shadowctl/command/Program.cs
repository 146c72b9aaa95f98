namespace Hv.ShadowControl.Command;

/// <summary>The program; everything is in the library.</summary>
internal static class Program
{
    private static int Main(string[] arguments) =>
        new CommandLine(new LinuxSystem(), System.Console.Out, System.Console.Error).Run(arguments);
}
