using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>The command line of shadowctl. Results go to the standard output, progress and errors to the standard error.</summary>
public sealed class CommandLine(ISystem system, TextWriter output, TextWriter error)
{
    private const int DefaultTimeout = 600;
    private const int DefaultFinishTimeout = 60;
    private const int LogChunk = 4096;

    private const string Description = """
        Reboots this system in the background, and switches to it when it is up.

        Exit codes: 0 done; 1 Hv refused, or the shadow failed; 2 wrong command line;
        3 this system does not run under Hv; 4 the time limit is over; 5 not root.
        """;

    private readonly Option<bool> _json = new("--json") { Description = "Print the result as JSON, for programs.", Recursive = true };

    /// <summary>Runs a command line and gives one of <see cref="ExitCode"/>.</summary>
    public int Run(string[] arguments)
    {
        ParseResult parsed = Commands().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            error.WriteLine($"shadowctl: {parsed.Errors[^1].Message} Try 'shadowctl --help'.");
            return ExitCode.Usage;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (ControlException problem)
        {
            error.WriteLine("shadowctl: " + problem.Message);
            if (parsed.GetValue(_json))
                WriteJson(json => WriteOutcome(json, problem.ExitCode, problem.Message));
            return problem.ExitCode;
        }
    }

    private RootCommand Commands()
    {
        Option<int> share = Number("--share", 0, 0, 95, "The least share of the processors for the shadow, in percent; 0 leaves it to Hv.");
        Option<int> timeout = Number("--timeout", DefaultTimeout, 1, 7 * 24 * 3600, "After so many seconds a shadow that is not ready is thrown away.");
        Option<int> finishTimeout = Number("--timeout", DefaultFinishTimeout, 0, 3600, "How many seconds to wait for devices after the switch.");
        var finish = new Option<bool>("--finish") { Description = "After the switch, finish it as 'shadowctl finish' does." };
        var devices = new Option<bool>("--devices") { Description = "Show the passed-through devices, and how each was silenced at the last switch." };
        return new RootCommand(Description)
        {
            _json,
            Command("reboot", "Starts a shadow, waits until it is up, and switches to it.", (client, parsed) =>
            {
                var reboot = new ShadowReboot(system, client, error);
                reboot.Start(parsed.GetValue(share));
                reboot.WaitUntilReady(TimeSpan.FromSeconds(parsed.GetValue(timeout)));
                reboot.Switch();
            }, share, timeout),
            Command("start", "Starts a shadow: writes all file data to the disk and boots this system anew in the background.", (client, parsed) =>
                new ShadowReboot(system, client, error).Start(parsed.GetValue(share)), share),
            Command("wait", "Waits until the shadow is up.", (client, parsed) =>
                new ShadowReboot(system, client, error).WaitUntilReady(TimeSpan.FromSeconds(parsed.GetValue(timeout))), timeout),
            Command("switch", "Switches to the shadow. This system is dropped; what it has not saved is lost.", (client, _) =>
                new ShadowReboot(system, client, error).Switch()),
            Command("abort", "Throws the shadow away.", (client, _) => client.Abort()),
            Reader("status", "Shows how things stand.", (client, parsed) => ShowStatus(client, parsed.GetValue(_json), parsed.GetValue(devices)), devices),
            Reader("log", "Prints the shadow's serial console.", (client, _) => ShowLog(client)),
            Command("ready", "In a shadow: reports that it is up, and returns after the switch. For the service manager.", (client, parsed) =>
            {
                var promotion = new Promotion(system, client, error);
                if (promotion.ReportReady() && parsed.GetValue(finish))
                    promotion.Finish(TimeSpan.FromSeconds(parsed.GetValue(finishTimeout)));
            }, finish, finishTimeout),
            Command("finish", "After a switch: finds the devices again and sets the clock.", (client, parsed) =>
                new Promotion(system, client, error).Finish(TimeSpan.FromSeconds(parsed.GetValue(finishTimeout))), finishTimeout),
        };
    }

    private static Option<int> Number(string name, int standard, int least, int most, string description)
    {
        var option = new Option<int>(name) { Description = $"{description} From {least} to {most}.", DefaultValueFactory = _ => standard, HelpName = "NUMBER" };
        option.CustomParser = result =>
        {
            string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < least || value > most)
                result.AddError($"'{name}' takes a number from {least} to {most}, not '{text}'.");
            return value;
        };
        return option;
    }

    // A command that does something: with --json it says how that went.
    private Command Command(string name, string description, Action<ControlClient, ParseResult> action, params Option[] options)
    {
        return Reader(name, description, (client, parsed) =>
        {
            action(client, parsed);
            if (parsed.GetValue(_json))
                WriteJson(json => WriteOutcome(json, ExitCode.Success, ""));
        }, options);
    }

    private Command Reader(string name, string description, Action<ControlClient, ParseResult> action, params Option[] options)
    {
        var command = new Command(name, description);
        foreach (Option option in options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var client = new ControlClient(system.OpenPort());
            action(client, parsed);
            return ExitCode.Success;
        });
        return command;
    }

    private void ShowStatus(ControlClient client, bool json, bool devices)
    {
        StatusBlock block = client.Status();
        var status = new StatusView(in block);
        if (json)
            WriteJson(status.WriteJson);
        else if (devices)
            StatusText.WriteDevices(output, status);
        else
            StatusText.Write(output, status);
    }

    private void ShowLog(ControlClient client)
    {
        byte[] bytes = new byte[LogChunk];
        ulong offset = client.Status().LogStart;
        for (int count = client.ReadLog(offset, bytes); count > 0; count = client.ReadLog(offset, bytes))
        {
            output.Write(Encoding.Latin1.GetString(bytes, 0, count));
            offset += (uint)count;
        }
    }

    private static void WriteOutcome(Utf8JsonWriter json, int exitCode, string message)
    {
        json.WriteBoolean("ok", exitCode == ExitCode.Success);
        json.WriteNumber("exit_code", exitCode);
        json.WriteString("message", message);
    }

    private void WriteJson(Action<Utf8JsonWriter> members)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }
}
