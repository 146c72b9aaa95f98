using System;
using System.Collections.Generic;
using System.Linq;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>What the configuration means on this machine: which partitions are data, and what can be carried over.</summary>
public sealed class DataPlan
{
    private static readonly string[] NeverData = ["/", "/boot", "/boot/efi", "/efi", "/usr"];

    private readonly List<DiskPartition> _data = [];
    private readonly List<ConfigurationError> _errors = [];
    private readonly List<string> _notes = [];
    private readonly IReadOnlyList<DiskPartition> _partitions;
    private readonly IReadOnlyList<MountedFileSystem> _mounts;
    private readonly IReadOnlyList<FstabEntry> _fstab;
    private readonly uint _sectorBytes;

    /// <summary>Looks at the machine.</summary>
    public DataPlan(Configuration configuration, IStorage storage)
    {
        _partitions = storage.Partitions();
        _mounts = storage.Mounts();
        _fstab = storage.Fstab();
        _sectorBytes = storage.SectorBytes;
        Configuration = configuration;
        // Elsewhere than under Hv there is nothing to compare the rules with.
        if (storage.HasDisk)
            Apply(configuration.Partitions);
        else
            _notes.Add("This system does not run under Hv: partitions are not looked at.");
        Carried = configuration.CarriedDirectories.Select(Locate).OfType<CarriedDirectory>().ToList();
    }

    /// <summary>The configuration.</summary>
    public Configuration Configuration { get; }

    /// <summary>The data partitions.</summary>
    public IReadOnlyList<DiskPartition> Data => _data;

    /// <summary>The directories that are carried over, with where they are.</summary>
    public IReadOnlyList<CarriedDirectory> Carried { get; }

    /// <summary>What cannot be done as the configuration says.</summary>
    public IReadOnlyList<ConfigurationError> Errors => _errors;

    /// <summary>What the user may want to know.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Reads the configuration and looks at the machine.</summary>
    /// <exception cref="ControlException">Something is wrong with it; the message has a line for each error.</exception>
    public static DataPlan Load(IStorage storage, string path = Configuration.DefaultPath)
    {
        var plan = new DataPlan(ConfigurationParser.Load(storage, path), storage);
        return plan.Errors.Count == 0 ? plan : throw ConfigurationError.Problem(plan.Errors, path);
    }

    /// <summary>The table for Hv.</summary>
    public byte[] Table()
    {
        byte[] table = new byte[DataTable.BytesFor(_data.Count)];
        DataTable.WriteHeader(table, Carried.Count == 0 ? 0 : DataTable.KeepLastView, _data.Count);
        for (int i = 0; i < _data.Count; i++)
            DataTable.WriteRange(table.AsSpan(DataTable.BytesFor(i)), _data[i].Start / _sectorBytes, _data[i].Bytes / _sectorBytes);
        return table;
    }

    /// <summary>The entries of fstab whose file systems are on data partitions.</summary>
    public IReadOnlyList<FstabEntry> DataMounts() => _fstab.Where(entry => Resolve(entry) is { } partition && _data.Contains(partition)).ToList();

    /// <summary>The partition that an entry of fstab names, or null.</summary>
    public DiskPartition? FindSource(FstabEntry entry) => Resolve(entry);

    /// <summary>The file systems that have to be in order on the disk at the switch, by a mount point each: data, and what is carried over from.</summary>
    public IReadOnlyList<string> FrozenAtSwitch() => _partitions
        .Where(partition => _data.Contains(partition) || Carried.Any(directory => directory.Partition == partition))
        .Select(partition => _mounts.FirstOrDefault(mount => mount.Device == partition.Device)?.MountPoint).OfType<string>().ToList();

    private void Apply(IReadOnlyList<PartitionRule> rules)
    {
        var seen = new Dictionary<DiskPartition, PartitionRule>();
        foreach (PartitionRule rule in rules)
        {
            if (Find(rule) is not { } partition)
                continue;
            if (!seen.TryAdd(partition, rule))
            {
                if (seen[partition].IsData != rule.IsData)
                    Error(rule, $"{partition.Name} is {(seen[partition].IsData ? "data" : "system")} by line {seen[partition].Line} already.");
                continue;
            }
            if (!rule.IsData)
                continue;
            if (partition.Start % DataTable.Alignment != 0 || partition.Bytes % DataTable.Alignment != 0)
                Error(rule, $"{partition.Name} cannot be data: it does not begin and end at a multiple of 4 KiB.");
            else if (_mounts.FirstOrDefault(mount => mount.Device == partition.Device && NeverData.Contains(mount.MountPoint)) is { } mount)
                Error(rule, $"{partition.Name} cannot be data: the shadow boots from {mount.MountPoint}.");
            else if (_data.Count == DataTable.MaxRanges)
                Error(rule, $"There are more than {DataTable.MaxRanges} data partitions.");
            else
                _data.Add(partition);
        }
    }

    private DiskPartition? Find(PartitionRule rule)
    {
        switch (rule.Match)
        {
            case PartitionMatch.FileSystem:
                return Only(rule, _partitions.Where(partition => partition.FileSystemId == rule.Value), "has a file system with this UUID");
            case PartitionMatch.Partition:
                return Only(rule, _partitions.Where(partition => partition.PartitionId == rule.Value), "has this PARTUUID");
        }
        DiskPartition? found = null;
        if (_mounts.LastOrDefault(mount => mount.MountPoint == rule.Value) is { } mounted)
            found = _partitions.FirstOrDefault(partition => partition.Device == mounted.Device);
        else if (_fstab.FirstOrDefault(entry => entry.MountPoint == rule.Value) is { } entry)
            found = Resolve(entry);
        else
            Error(rule, $"Nothing is mounted on {rule.Value}, and /etc/fstab does not name it.");
        if (found == null && (_errors.Count == 0 || _errors[^1].Line != rule.Line))
            _notes.Add($"line {rule.Line}: {rule.Value} is not a partition of the disk that Hv manages; a shadow reboot does not touch it.");
        return found;
    }

    private DiskPartition? Only(PartitionRule rule, IEnumerable<DiskPartition> candidates, string property)
    {
        DiskPartition[] found = candidates.ToArray();
        if (found.Length == 1)
            return found[0];
        Error(rule, $"{(found.Length == 0 ? "No partition" : "More than one partition")} of the disk that Hv manages {property}.");
        return null;
    }

    private DiskPartition? Resolve(FstabEntry entry)
    {
        string source = entry.Source;
        return _partitions.FirstOrDefault(partition =>
            Names("UUID=", "/dev/disk/by-uuid/", partition.FileSystemId) || Names("PARTUUID=", "/dev/disk/by-partuuid/", partition.PartitionId)
            || Names("PARTLABEL=", "/dev/disk/by-partlabel/", partition.Label) || source == "/dev/" + partition.Name);

        bool Names(string tag, string folder, string value) => value.Length != 0 && (Is(tag, value) || Is(folder, value));

        bool Is(string prefix, string value) =>
            source.StartsWith(prefix, StringComparison.Ordinal) && source[prefix.Length..].Trim('"').Equals(value, StringComparison.OrdinalIgnoreCase);
    }

    private CarriedDirectory? Locate(string directory)
    {
        MountedFileSystem? best = null;
        foreach (MountedFileSystem mount in _mounts)
        {
            if (Below(directory, mount.MountPoint) != null && (best == null || mount.MountPoint.Length >= best.MountPoint.Length))
                best = mount;
        }
        DiskPartition? partition = best == null ? null : _partitions.FirstOrDefault(candidate => candidate.Device == best.Device);
        if (partition == null)
            _notes.Add($"{directory} is not on a partition of the disk that Hv manages; it is not carried over.");
        else if (!_data.Contains(partition))
            return new CarriedDirectory(directory, partition, best!.MountPoint, best.Type, (best.Root.TrimEnd('/') + Below(directory, best.MountPoint)).TrimStart('/'));
        return null;
    }

    // The part of a path behind a directory: "" or "/...".
    private static string? Below(string path, string directory)
    {
        if (directory == "/")
            return path;
        return path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal) ? path[directory.Length..] : null;
    }

    private void Error(PartitionRule rule, string message) => _errors.Add(new ConfigurationError(rule.Line, message));
}
