using System;
using System.Collections.Generic;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>Reads the text of a configuration: lines of <c>key = value</c>, comments, blank lines.</summary>
public sealed class ConfigurationParser
{
    private const int MaxText = 1 << 20;
    private const int MaxUnitName = 255;
    private const string UnitCharacters = ":-_.\\@";
    private const string FileSystemPrefix = "UUID=";
    private const string PartitionPrefix = "PARTUUID=";
    private const string None = "none";
    private const string Data = "data", SystemKey = "system", Carry = "carry", FailedUnits = "failed-units", Rescan = "rescan", NetworkWaits = "wait-for-network", NetworkSkips = "skip-until-network";

    private static readonly string[] UnitTypes =
        [".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"];

    private readonly List<ConfigurationError> _errors = [];
    private readonly List<PartitionRule> _partitions = [];
    private readonly List<string> _units = [];
    private List<string>? _directories, _waits, _skips;
    private bool? _rescan;
    private int _noneLine;
    private int _line;

    private ConfigurationParser()
    {
    }

    /// <summary>Reads a text. It never throws; what is wrong is in <paramref name="errors"/>, and only without errors the configuration is to be used.</summary>
    public static Configuration Parse(string text, out IReadOnlyList<ConfigurationError> errors)
    {
        var parser = new ConfigurationParser();
        errors = parser._errors;
        if (text.Length > MaxText)
        {
            parser._errors.Add(new ConfigurationError(0, "The file is longer than 1 MiB."));
            return new Configuration();
        }
        foreach (string line in text.Split('\n'))
        {
            parser._line++;
            parser.ParseLine(line);
        }
        return new Configuration
        {
            Partitions = parser._partitions,
            CarriedDirectories = parser._directories ?? Configuration.DefaultDirectories,
            FailedUnits = parser._units,
            NetworkWaits = NetworkUnits(parser._waits, Configuration.DefaultNetworkWaits, parser._skips),
            NetworkSkips = NetworkUnits(parser._skips, Configuration.DefaultNetworkSkips, parser._waits),
            RescansPci = parser._rescan ?? true,
        };
    }

    /// <summary>Reads the configuration of a system; without a file everything has its default.</summary>
    /// <exception cref="ControlException">Something is wrong with it; the message has a line for each error.</exception>
    public static Configuration Load(IStorage storage, string path = Configuration.DefaultPath)
    {
        Configuration configuration = Parse(storage.ReadText(path) ?? "", out IReadOnlyList<ConfigurationError> errors);
        return errors.Count == 0 ? configuration : throw ConfigurationError.Problem(errors, path);
    }

    private void ParseLine(string line)
    {
        line = WithoutComment(line).Trim();
        if (line.Length == 0)
            return;
        if (line.Any(char.IsControl))
        {
            Error("The line holds a control character.");
            return;
        }
        int equals = line.IndexOf('=');
        string key = equals < 0 ? line : line[..equals].TrimEnd(), value = equals < 0 ? "" : line[(equals + 1)..].TrimStart();
        if (equals < 0)
            Error($"'{line}' is not of the form 'key = value'.");
        else if (key is not (Data or SystemKey or Carry or FailedUnits or NetworkWaits or NetworkSkips or Rescan))
            Error($"'{key}' is no key; there are {Data}, {SystemKey}, {Carry}, {FailedUnits}, {NetworkWaits}, {NetworkSkips} and {Rescan}.");
        else if (value.Length == 0)
            Error($"'{key}' has no value.");
        else if (key == Carry)
            AddDirectory(value);
        else if (key == FailedUnits)
            AddUnits(value, _units, null);
        else if (key == NetworkWaits)
            AddNetworkUnits(key, value, _waits ??= [], _skips);
        else if (key == NetworkSkips)
            AddNetworkUnits(key, value, _skips ??= [], _waits);
        else if (key == Rescan)
            SetRescan(value);
        else
            AddPartition(key == Data, value);
    }

    // A '#' begins a comment at the start of a line and after white space.
    private static string WithoutComment(string line)
    {
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '#' && (i == 0 || char.IsWhiteSpace(line[i - 1])))
                return line[..i];
        }
        return line;
    }

    private void AddPartition(bool isData, string value)
    {
        PartitionMatch match;
        if (value.StartsWith(FileSystemPrefix, StringComparison.Ordinal))
        {
            match = PartitionMatch.FileSystem;
            value = value[FileSystemPrefix.Length..].ToLowerInvariant();
            if (value.Length is < 4 or > 36 || !value.All(letter => char.IsAsciiHexDigit(letter) || letter == '-'))
            {
                Error($"'{value}' is no UUID of a file system; 'lsblk -o NAME,UUID' shows them.");
                return;
            }
        }
        else if (value.StartsWith(PartitionPrefix, StringComparison.Ordinal))
        {
            match = PartitionMatch.Partition;
            value = value[PartitionPrefix.Length..].ToLowerInvariant();
            if (!Guid.TryParseExact(value, "D", out _))
            {
                Error($"'{value}' is no GUID of a partition; 'lsblk -o NAME,PARTUUID' shows them.");
                return;
            }
        }
        else
        {
            match = PartitionMatch.MountPoint;
            if (CheckedPath(value) is not { } path)
                return;
            value = path;
            if (isData && value == "/")
            {
                Error("The root file system cannot be data: the shadow boots from it.");
                return;
            }
        }
        foreach (PartitionRule other in _partitions)
        {
            if (other.Match != match || other.Value != value)
                continue;
            Error($"The same partition is in line {other.Line} already.");
            return;
        }
        _partitions.Add(new PartitionRule(isData, match, value, _line));
    }

    private void AddDirectory(string value)
    {
        if (value == None)
        {
            _noneLine = _line;
            if (_directories is { Count: > 0 })
                Error("'carry = none' contradicts the directories above.");
            _directories ??= [];
            return;
        }
        if (CheckedPath(value) is not { } path)
            return;
        if (_noneLine != 0)
            Error($"'carry = none' in line {_noneLine} contradicts this.");
        else if (path == "/")
            Error("The whole system cannot be carried over; name directories in it.");
        else if (_directories?.FirstOrDefault(other => IsWithin(path, other) || IsWithin(other, path)) is { } other)
            Error($"'{path}' and '{other}' overlap.");
        else
            (_directories ??= []).Add(path);
    }

    private void AddNetworkUnits(string key, string value, List<string> units, IReadOnlyList<string>? others)
    {
        bool hadNone = units.Contains(None);
        if (value == None && units.Count == 0)
            units.Add(None);
        else if (value == None || hadNone)
            Error($"'{key} = none' contradicts the units that are named elsewhere.");
        else
            AddUnits(value, units, others);
    }

    // What the user has named elsewhere is no default any more.
    private static List<string> NetworkUnits(List<string>? units, IReadOnlyList<string> defaults, List<string>? others) =>
        [.. (units ?? defaults).Where(unit => unit != None && (units != null || others?.Contains(unit) != true))];

    private void AddUnits(string value, List<string> units, IReadOnlyList<string>? others)
    {
        foreach (string unit in value.Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            bool named = unit.Length <= MaxUnitName && unit.All(letter => char.IsAsciiLetterOrDigit(letter) || UnitCharacters.Contains(letter, StringComparison.Ordinal));
            if (!named || !UnitTypes.Any(type => unit.EndsWith(type, StringComparison.Ordinal) && unit.Length > type.Length))
                Error($"'{unit}' is no name of a unit, such as ssh.service.");
            else if (others?.Contains(unit) == true)
                Error($"'{unit}' cannot both wait and be skipped.");
            else if (!units.Contains(unit))
                units.Add(unit);
        }
    }

    private void SetRescan(string value)
    {
        if (value is not ("yes" or "no"))
            Error($"'{value}' is neither yes nor no.");
        else if (_rescan is { } other && other != (value == "yes"))
            Error("'rescan' has been given with the other value above.");
        else
            _rescan = value == "yes";
    }

    private string? CheckedPath(string value)
    {
        string path = value.Length > 1 ? value.TrimEnd('/') : value;
        if (path.Length == 0)
            path = "/";
        if (path[0] != '/')
            Error($"'{value}' is neither an absolute path nor UUID=... nor PARTUUID=....");
        else if (path != "/" && path[1..].Split('/').Any(part => part is "" or "." or ".."))
            Error($"'{value}' has an empty part, '.' or '..' in it.");
        else
            return path;
        return null;
    }

    private static bool IsWithin(string path, string directory) =>
        path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private void Error(string message) => _errors.Add(new ConfigurationError(_line, message));
}
