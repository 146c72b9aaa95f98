using System.Diagnostics;
using Spectre.Console;

namespace Hv.Bench;

/// <summary>Shows what is happening and how long it has taken: a live line on a terminal, else one line at each step's end.</summary>
public sealed class StepDisplay
{
    private const int RedirectedWidth = 160;

    private readonly Stopwatch total = Stopwatch.StartNew();
    private volatile string detail = "";

    /// <summary>Prepares the terminal.</summary>
    public StepDisplay()
    {
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = RedirectedWidth;
    }

    /// <summary>What the present step is at, shown behind its name.</summary>
    public string Detail { set => detail = value.Trim(); }

    /// <summary>Runs a step.</summary>
    public void Run(string title, Action step) => Run<object?>(title, () =>
    {
        step();
        return null;
    });

    /// <summary>Runs a step that has a result.</summary>
    public T Run<T>(string title, Func<T> step)
    {
        detail = "";
        Stopwatch watch = Stopwatch.StartNew();
        try
        {
            T result = AnsiConsole.Profile.Capabilities.Interactive ? RunLive(title, step, watch) : step();
            Say("[green]done[/]  ", title, watch);
            return result;
        }
        catch (Exception e) when (e is BenchException or OperationCanceledException)
        {
            Say("[red]FAILED[/]", title, watch);
            throw;
        }
    }

    private void Say(string state, string title, Stopwatch watch) =>
        AnsiConsole.MarkupLine($"{total.Elapsed.TotalSeconds,7:F1} s  {state}  {title.EscapeMarkup()} [grey]({watch.Elapsed.TotalSeconds:F1} s)[/]");

    private T RunLive<T>(string title, Func<T> step, Stopwatch watch) => AnsiConsole.Status().Spinner(Spinner.Known.Dots).Start(title.EscapeMarkup(), context =>
    {
        using Timer timer = new(_ =>
        {
            int room = Math.Max(0, AnsiConsole.Profile.Width - title.Length - 20);
            string shown = detail.Length > room ? detail[..room] : detail;
            context.Status($"{title.EscapeMarkup()} {watch.Elapsed.TotalSeconds:F0} s [grey]{shown.EscapeMarkup()}[/]");
        }, null, 0, 250);
        return step();
    });
}
