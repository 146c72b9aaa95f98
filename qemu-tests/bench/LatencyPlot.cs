using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Hv.Bench;

/// <summary>Draws what the latency bench has measured; of several processors the worst one.</summary>
internal static class LatencyPlot
{
    private const string TimeKey = "time", LostKey = "lost";
    private const double MicrosecondsPerMillisecond = 1000, Width = 800, Height = 500, Room = 0.25;

    /// <summary>Writes the picture, as SVG.</summary>
    public static void Save(LatencyBench bench, string path)
    {
        PlotModel model = new() { Title = "The primary beside a booting shadow", Background = OxyColors.White };
        CategoryAxis shares = new() { Position = AxisPosition.Bottom, Title = "least share of the shadow" };
        shares.Labels.AddRange(bench.Runs.Select(run => run.Name));
        model.Axes.Add(shares);
        model.Axes.Add(new LogarithmicAxis { Position = AxisPosition.Left, Title = "wake-up latency in ms", Key = TimeKey, MajorGridlineStyle = LineStyle.Dot });
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Right, Title = "computing lost in %", Key = LostKey, Minimum = 0, MaximumPadding = Room });
        model.Legends.Add(new Legend { LegendPosition = LegendPosition.BottomCenter, LegendPlacement = LegendPlacement.Outside, LegendOrientation = LegendOrientation.Horizontal });
        Add(model, bench, "idle, 99 of 100", TimeKey, run => run.Processors.Max(processor => processor.Idle.High) / MicrosecondsPerMillisecond);
        Add(model, bench, "idle, longest", TimeKey, run => run.Processors.Max(processor => processor.Idle.Longest) / MicrosecondsPerMillisecond);
        Add(model, bench, "busy, 99 of 100", TimeKey, run => run.Processors.Max(processor => processor.Busy.High) / MicrosecondsPerMillisecond);
        Add(model, bench, "busy, longest", TimeKey, run => run.Processors.Max(processor => processor.Busy.Longest) / MicrosecondsPerMillisecond);
        Add(model, bench, "computing lost", LostKey, run => run.MostLostPercent(bench.Runs[0]));
        using FileStream file = File.Create(path);
        new SvgExporter { Width = Width, Height = Height }.Export(model, file);
    }

    private static void Add(PlotModel model, LatencyBench bench, string title, string key, Func<LatencyRun, double> value)
    {
        LineSeries series = new() { Title = title, YAxisKey = key, MarkerType = MarkerType.Circle, LineStyle = key == LostKey ? LineStyle.Dash : LineStyle.Solid };
        series.Points.AddRange(bench.Runs.Select((run, i) => new DataPoint(i, value(run))));
        model.Series.Add(series);
    }
}
