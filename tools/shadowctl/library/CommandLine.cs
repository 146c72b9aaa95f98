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

    private const string Description = """
        Reboots this system in the background, and switches to it when it is up.

        Exit codes: 0 done; 1 Hv refused, or the shadow failed; 2 wrong command line or configuration;
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
        Option<int> share = Number("--share", 0, 0, 95, "The least share of the processors for the shadow, in percent; with 0 it gets idle time only, without this option Hv decides.");
        Option<int> timeout = Number("--timeout", DefaultTimeout, 1, 7 * 24 * 3600, "After so many seconds a shadow that is not ready is thrown away.");
        Option<int> finishTimeout = Number("--timeout", DefaultFinishTimeout, 0, 3600, "How many seconds to wait for devices after the switch.");
        Option<int> limit = Number("--timeout", 0, 0, 7 * 24 * 3600, "After so many seconds a shadow that is not ready is thrown away; 0 leaves it to Hv.");
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on printing what comes, until there is no shadow any more." };
        var reason = new Argument<string[]>("REASON") { Description = "'emergency', 'rescue', or a sentence.", Arity = ArgumentArity.OneOrMore };
        var picture = new Argument<string>("FILE") { Description = "The file to write." };
        var noJournal = new Option<bool>("--no-journal") { Description = "Switch even if a power loss at that moment would leave a mixture of both systems on the disk." };
        Option<int> size = Number("--size", JournalSetup.DefaultMebibytes, JournalSetup.LeastMebibytes, JournalSetup.MostMebibytes, "The journal's size in MiB.");
        var cold = new Option<bool>("--cold") { Description = "Start the shadow from the disk, without shutting a copy of this system down first." };
        var rebootCommand = new Option<string>("--reboot-command")
        {
            Description = "What shuts the copy of this system down and reboots it (default: 'systemctl reboot', without systemd 'reboot').",
            DefaultValueFactory = _ => "", HelpName = "COMMAND",
        };
        var finish = new Option<bool>("--finish") { Description = "After the switch, finish it as 'shadowctl finish' does." };
        var whenIdle = new Option<bool>("--when-idle") { Description = "Report it once the service manager has nothing left to start." };
        var devices = new Option<bool>("--devices") { Description = "Show the passed-through devices, and how each was silenced at the last switch." };
        return new RootCommand(Description)
        {
            _json,
            Command("reboot", "Starts a shadow, waits until it is up, and switches to it.", (client, parsed) =>
            {
                var reboot = new ShadowReboot(system, client, error);
                if (!parsed.GetValue(noJournal))
                    reboot.RequireJournal();
                StartOptions options = Options(parsed, share, parsed.GetValue(cold), parsed.GetValue(noJournal), parsed.GetValue(timeout));
                if (!reboot.Start(options, parsed.GetValue(rebootCommand)!))
                    return;
                reboot.WaitUntilReady(TimeSpan.FromSeconds(parsed.GetValue(timeout)));
                reboot.Switch(parsed.GetValue(noJournal));
            }, share, timeout, noJournal, cold, rebootCommand),
            Command("start", "Starts a shadow: a copy of this system that shuts down and boots anew in the background.", (client, parsed) =>
                new ShadowReboot(system, client, error).Start(
                    Options(parsed, share, parsed.GetValue(cold), parsed.GetValue(noJournal), parsed.GetValue(limit)), parsed.GetValue(rebootCommand)!),
                share, limit, noJournal, cold, rebootCommand),
            Command("wait", "Waits until the shadow is up.", (client, parsed) =>
                new ShadowReboot(system, client, error).WaitUntilReady(TimeSpan.FromSeconds(parsed.GetValue(timeout))), timeout),
            Command("switch", "Switches to the shadow. This system is dropped; what it has not saved is lost.", (client, parsed) =>
                new ShadowReboot(system, client, error).Switch(parsed.GetValue(noJournal)), noJournal),
            Command("setup", "Makes the journal, a partition in free space of the disk that makes switches safe against power loss.", (client, parsed) =>
                new JournalSetup(system, client, error).Run(parsed.GetValue(size)), size),
            Check(),
            Generator(),
            Command("carry", "After a switch: carries files of the configured directories over, if that has not been done.", (client, _) =>
            {
                if (new LastViewCarrier(system, client, error).Carry(system.Clock - system.Uptime) == null)
                    error.WriteLine("nothing to carry over");
            }),
            Command("await-data", "In a shadow: waits for the switch, after which data partitions may be mounted. For the service manager.", (client, _) =>
                new Promotion(system, client, error).AwaitData()),
            Command("await-network", "In a shadow: waits for the switch and for the network cards. For the service manager and for scripts.", (client, parsed) =>
                new Promotion(system, client, error).AwaitNetwork(TimeSpan.FromSeconds(parsed.GetValue(finishTimeout))), finishTimeout),
            Settings(),
            Command("abort", "Throws the shadow away.", (client, _) => client.Abort()),
            Reader("status", "Shows how things stand.", (client, parsed) => ShowStatus(client, parsed.GetValue(_json), parsed.GetValue(devices)), devices),
            Reader("log", "Prints the serial console of the shadow, or of the last one.", (client, parsed) =>
                new LogPrinter(client, output).Print(parsed.GetValue(follow), parsed.GetValue(_json)), follow),
            WithArgument(picture, Command("screen", "Saves a picture of what the shadow's screen shows, or the last one's has shown, as PNG.", (client, parsed) =>
                new ScreenPicture(client).Save(parsed.GetValue(picture)!))),
            Command("ready", "In a shadow: reports that it is up, and returns after the switch. For the service manager.", (client, parsed) =>
            {
                var promotion = new Promotion(system, client, error);
                if (parsed.GetValue(whenIdle))
                    promotion.WaitUntilIdle(TimeSpan.MaxValue);
                if (promotion.ReportReady() && parsed.GetValue(finish))
                    promotion.Finish(TimeSpan.FromSeconds(parsed.GetValue(finishTimeout)));
            }, finish, finishTimeout, whenIdle),
            WithArgument(reason, Command("fail", "In a shadow: reports that it is not fit for use; it is thrown away. For the service manager.", (client, parsed) =>
                new Promotion(system, client, error).ReportFailure(string.Join(' ', parsed.GetValue(reason)!)))),
            Command("finish", "After a switch: finds the devices again, sets the clock and carries files over.", (client, parsed) =>
                new Promotion(system, client, error).Finish(TimeSpan.FromSeconds(parsed.GetValue(finishTimeout))), finishTimeout),
        };
    }

    private Command Generator()
    {
        var folder = new Argument<string>("folder") { Description = "The folder for units that come before all others." };
        var command = new Command("generator", "In a shadow: makes mounts of data partitions, and what waits for the network, wait for the switch. For the service manager.") { folder };
        command.SetAction(parsed =>
        {
            if (!system.Storage.HasDisk)
                return ExitCode.Success;
            using var client = new ControlClient(system.OpenPort());
            if (client.Status().Role == ControlRole.Shadow)
                new ShadowGenerator(system).Generate(parsed.GetValue(folder)!);
            return ExitCode.Success;
        });
        return command;
    }

    private Command Settings()
    {
        var value = new Argument<string>("on|off");
        value.AcceptOnlyFromAmong("on", "off");
        return new Command("config", "Changes a setting of Hv, until the machine is switched off.")
        {
            WithArgument(value, Command("fast-reboot", "Whether Hv answers ordinary reboots itself, without the firmware's self-test.", (client, parsed) =>
                client.Configure(ControlOpcode.SettingFastReboot, parsed.GetValue(value) == "on" ? 1u : 0u))),
        };
    }

    private Command Check()
    {
        var path = new Option<string>("--file") { Description = "Another configuration file.", DefaultValueFactory = _ => Configuration.DefaultPath, HelpName = "PATH" };
        var command = new Command("check", "Checks the configuration (/etc/shadowreboot.conf), and shows what it means on this machine.") { path };
        command.SetAction(parsed =>
        {
            string file = parsed.GetValue(path)!;
            DataPlan plan = DataPlan.Load(system.Storage, file);
            if (parsed.GetValue(_json))
                WriteJson(json => WriteOutcome(json, ExitCode.Success, ""));
            else
                PlanText.Write(output, plan, system.Storage);
            return ExitCode.Success;
        });
        return command;
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

    private static StartOptions Options(ParseResult parsed, Option<int> shareOption, bool cold, bool noJournal, int seconds)
    {
        int share = parsed.GetValue(shareOption);
        bool hasNoShare = share == 0 && parsed.GetResult(shareOption) is { Implicit: false };
        uint flags = (cold ? ControlOpcode.StartCold : 0) | (noJournal ? ControlOpcode.StartWithoutJournal : 0) | (hasNoShare ? ControlOpcode.StartWithoutShare : 0);
        return new StartOptions((uint)share, flags, (uint)seconds);
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

    private static Command WithArgument(Argument argument, Command command)
    {
        command.Add(argument);
        return command;
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
