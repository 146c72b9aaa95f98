using System.Collections.Generic;
using System.IO;
using Hv.ShadowControl;

namespace Hv.HostTests.Shadowctl;

/// <summary>Disks and file systems of a system whose calls are written down.</summary>
internal sealed class FakeStorage(List<string> calls) : IStorage
{
    public string Configuration { get; set; } = "";
    public List<DiskPartition> Disk { get; } = [];
    public List<MountedFileSystem> Mounted { get; } = [];
    public List<FstabEntry> Entries { get; } = [];
    public long? Mark { get; set; } = 1;
    public HashSet<string> Unfreezable { get; } = [];
    public string? LastView { get; set; }
    public string MountFolder { get; set; } = "/nowhere";

    public bool HasDisk { get; set; } = true;

    public uint SectorBytes { get; set; } = 512;

    public string? ReadText(string path) => path == Hv.ShadowControl.Configuration.DefaultPath ? Configuration : File.Exists(path) ? File.ReadAllText(path) : null;

    public IReadOnlyList<DiskPartition> Partitions() => Disk;

    public IReadOnlyList<MountedFileSystem> Mounts() => Mounted;

    public IReadOnlyList<FstabEntry> Fstab() => Entries;

    public void MarkStart() => calls.Add("mark");

    public IReadOnlyList<string> Drivers { get; set; } = [];

    public void NoteDrivers(IReadOnlyList<string> aliases) => Drivers = aliases;

    public IReadOnlyList<string> NotedDrivers() => Drivers;

    /// <summary>What was noted of network cards; null: nothing.</summary>
    public IReadOnlyList<string>? NetworkCards { get; set; }

    public void NoteNetworkCards(IReadOnlyList<string> addresses) => NetworkCards = addresses;

    public IReadOnlyList<string>? NotedNetworkCards() => NetworkCards;

    public long? StartMark() => Mark;

    public bool Freeze(string mountPoint)
    {
        calls.Add("freeze " + mountPoint);
        return !Unfreezable.Contains(mountPoint);
    }

    public void Thaw(string mountPoint) => calls.Add("thaw " + mountPoint);

    public void ForgetCache(DiskPartition partition) => calls.Add("forget " + partition.Name);

    public string? FindNamespace(uint id) => LastView;

    public string MountLastView(string name, int partition, string type)
    {
        calls.Add($"mount {name}p{partition} {type}");
        return MountFolder;
    }

    public void UnmountLastView(string directory) => calls.Add("unmount");
}
