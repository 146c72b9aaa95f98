using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Text.Json;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>Prints the shadow's console: as text that is fit for a terminal, or as JSON with all that was sent.</summary>
public sealed class LogPrinter(ControlClient client, TextWriter output)
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(0.5);

    private readonly ConsoleLog _console = new(client);
    private readonly ConsoleText _text = new();
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>
    /// Prints what there is and, if <paramref name="follow"/>, what comes until there is no shadow any more. In <paramref name="json"/>: one object,
    /// or with <paramref name="follow"/> one on each line.
    /// </summary>
    public void Print(bool follow, bool json)
    {
        StatusBlock status = client.Status();
        _console.Begin(in status);
        bool lives;
        do
        {
            // First the status, then the log: what a shadow has sent before its end is not missed.
            lives = status.Phase is ControlPhase.Preparing or ControlPhase.Stopping or ControlPhase.Booting or ControlPhase.Ready or ControlPhase.Switching;
            if (json)
                PrintJson(isLine: follow);
            else
                PrintText();
            if (follow && lives)
                status = client.WaitChange(status.Sequence, Pace);
        }
        while (follow && lives);
    }

    private void PrintText()
    {
        ulong lost = _console.Lost;
        for (ReadOnlySpan<byte> bytes = _console.Read(); !bytes.IsEmpty; bytes = _console.Read())
        {
            if (_console.Lost > lost)
                output.WriteLine($"[{_console.Lost - lost} bytes are lost]");
            lost = _console.Lost;
            output.Write(_text.Add(bytes));
        }
    }

    private void PrintJson(bool isLine)
    {
        var all = new List<byte>();
        for (ReadOnlySpan<byte> bytes = _console.Read(); !bytes.IsEmpty; bytes = _console.Read())
            all.AddRange(bytes);
        if (isLine && all.Count == 0)
            return;
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = !isLine }))
        {
            json.WriteStartObject();
            json.WriteNumber("start", _console.Offset - (ulong)all.Count);
            json.WriteNumber("end", _console.Offset);
            json.WriteNumber("lost", _console.Lost);
            json.WriteString("text", Decode(all.ToArray()));
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private string Decode(byte[] bytes)
    {
        char[] characters = new char[_decoder.GetCharCount(bytes, 0, bytes.Length, flush: false)];
        _decoder.GetChars(bytes, 0, bytes.Length, characters, 0, flush: false);
        return new string(characters);
    }
}
