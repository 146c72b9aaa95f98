using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>A connection to QEMU's machine protocol.</summary>
public sealed class Qmp : IDisposable
{
    private readonly Socket socket;
    private readonly StreamReader reader;
    private readonly StreamWriter writer;
    private readonly Lock gate = new();
    private readonly List<string> events = [];

    /// <summary>Takes over a connected socket and negotiates.</summary>
    public Qmp(Socket socket)
    {
        this.socket = socket;
        NetworkStream stream = new(socket, ownsSocket: true);
        reader = new StreamReader(stream);
        writer = new StreamWriter(stream) { AutoFlush = true };
        _ = reader.ReadLine();
        Execute("qmp_capabilities");
    }

    /// <summary>Executes a command and returns its result.</summary>
    public JsonNode? Execute(string command, JsonObject? arguments = null)
    {
        JsonObject request = new() { ["execute"] = command };
        if (arguments is not null)
            request["arguments"] = arguments;
        lock (gate)
        {
            writer.WriteLine(request.ToJsonString());
            while (reader.ReadLine() is { } line)
            {
                JsonNode answer = JsonNode.Parse(line)!;
                if ((string?)answer["event"] is { } name)
                    events.Add(name);
                if (answer["error"] is { } error)
                    throw new BenchException($"QEMU refused {command}: {error["desc"]}.");
                if (answer is JsonObject o && o.ContainsKey("return"))
                    return answer["return"];
            }
        }
        throw new BenchException($"QEMU ended before it answered {command}.");
    }

    /// <summary>The names of all events that QEMU has reported so far, in order (RESET, SHUTDOWN, SUSPEND, WAKEUP ...).</summary>
    public string[] ReadEvents()
    {
        Execute("query-status");
        lock (gate)
            return [.. events];
    }

    /// <summary>Waits until an event of that name has been reported more than <paramref name="before"/> times.</summary>
    public void WaitForEvent(string name, TimeSpan timeout, int before = 0)
    {
        long start = Stopwatch.GetTimestamp();
        while (ReadEvents().Count(found => found == name) <= before)
        {
            if (Stopwatch.GetElapsedTime(start) > timeout)
                throw new BenchException($"QEMU has not reported {name}, but {string.Join(", ", ReadEvents())}.");
            Thread.Sleep(20);
        }
    }

    /// <summary>Writes a picture of the guest's screen (PPM) to a file.</summary>
    public void Screendump(string path) => Execute("screendump", new JsonObject { ["filename"] = path });

    /// <summary>Writes a picture (PPM) of what the display <paramref name="device"/> shows to a file.</summary>
    public void Screendump(string path, string device) => Execute("screendump", new JsonObject { ["filename"] = path, ["device"] = device, ["head"] = 0 });

    /// <summary>Writes what is at <paramref name="address"/>, guest-physical for the machine that QEMU shows, to a file.</summary>
    public void SaveMemory(ulong address, int bytes, string path) => Execute("pmemsave", new JsonObject { ["val"] = address, ["size"] = bytes, ["filename"] = path });

    /// <summary>Presses keys together on the guest's keyboard and releases them (QEMU's key names, for example "ctrl", "c").</summary>
    public void SendKeys(params string[] keys) => Execute("send-key", new JsonObject
    {
        ["keys"] = new JsonArray([.. keys.Select(key => new JsonObject { ["type"] = "qcode", ["data"] = key })]),
    });

    /// <summary>
    /// Presses and releases a shift key, moves the mouse by <paramref name="place"/> and, if the machine has a tablet, that to <paramref name="place"/>.
    /// </summary>
    public void SendInput(int place, bool hasTablet)
    {
        static JsonObject Shift(bool down) => new()
        {
            ["type"] = "key", ["data"] = new JsonObject { ["down"] = down, ["key"] = new JsonObject { ["type"] = "qcode", ["data"] = "shift" } },
        };
        JsonObject Move(string type) => new() { ["type"] = type, ["data"] = new JsonObject { ["axis"] = "x", ["value"] = place } };
        foreach (JsonObject input in (JsonObject[])[Shift(true), Shift(false), Move("rel"), .. hasTablet ? [Move("abs")] : Array.Empty<JsonObject>()])
            Execute("input-send-event", new JsonObject { ["events"] = new JsonArray(input) });
    }

    /// <summary>The guest's memory in bytes, without what it has given to a balloon device.</summary>
    public long Balloon
    {
        get => (long)Execute("query-balloon")!["actual"]!;
        set => Execute("balloon", new JsonObject { ["value"] = value });
    }

    /// <summary>Operations and bytes read from and written to a drive since QEMU was started.</summary>
    public DiskCounters DiskCounters(string drive)
    {
        JsonArray all = Execute("query-blockstats")!.AsArray();
        JsonNode node = all.FirstOrDefault(entry => (string?)entry!["device"] == drive) ?? throw new BenchException($"QEMU has no drive '{drive}'.");
        return node["stats"].Deserialize<DiskCounters>();
    }

    /// <summary>Lets a drive take no more than so many bytes per second.</summary>
    public void LimitWrites(string drive, long bytesPerSecond) => Execute("block_set_io_throttle", new JsonObject
    {
        ["device"] = drive, ["bps"] = 0, ["bps_rd"] = 0, ["bps_wr"] = bytesPerSecond, ["iops"] = 0, ["iops_rd"] = 0, ["iops_wr"] = 0,
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        reader.Dispose();
        socket.Dispose();
    }
}
