using System.Collections.Generic;

namespace Hv.ShadowControl;

/// <summary>What shadowctl needs of the operating system's disks and file systems.</summary>
public interface IStorage
{
    /// <summary>The text of a file, or null if there is none.</summary>
    /// <exception cref="ControlException">It is there but cannot be read.</exception>
    string? ReadText(string path);

    /// <summary>Whether there is a disk that Hv manages: whether this system runs under Hv.</summary>
    bool HasDisk { get; }

    /// <summary>Bytes in a sector of the disk that Hv manages.</summary>
    uint SectorBytes { get; }

    /// <summary>The partitions of the disk that Hv manages, by number.</summary>
    IReadOnlyList<DiskPartition> Partitions();

    /// <summary>What is mounted, in the order of mounting.</summary>
    IReadOnlyList<MountedFileSystem> Mounts();

    /// <summary>What /etc/fstab says.</summary>
    IReadOnlyList<FstabEntry> Fstab();

    /// <summary>Notes that a shadow is about to be started: the status change time of the note is the moment that carrying over starts from.</summary>
    void MarkStart();

    /// <summary>Notes the aliases of the devices that have drivers, for the shadow that is about to be started.</summary>
    /// <exception cref="ControlException">The note cannot be written.</exception>
    void NoteDrivers(IReadOnlyList<string> aliases);

    /// <summary>What <see cref="NoteDrivers"/> has noted in the system that this is the successor of; none if nothing.</summary>
    IReadOnlyList<string> NotedDrivers();

    /// <summary>Notes which network cards have an interface (PCI addresses), for the shadow that is about to be started.</summary>
    /// <exception cref="ControlException">The note cannot be written.</exception>
    void NoteNetworkCards(IReadOnlyList<string> addresses);

    /// <summary>What <see cref="NoteNetworkCards"/> has noted in the system that this is the successor of; null if nothing was noted.</summary>
    IReadOnlyList<string>? NotedNetworkCards();

    /// <summary>When <see cref="MarkStart"/> was called by the system that this is the successor of, in nanoseconds of the Unix time; null if not known.</summary>
    long? StartMark();

    /// <summary>
    /// Stops writing to the file system that is mounted at a path, with everything in its place (FIFREEZE). False if it cannot be stopped.
    /// </summary>
    bool Freeze(string mountPoint);

    /// <summary>Ends <see cref="Freeze"/>.</summary>
    void Thaw(string mountPoint);

    /// <summary>Forgets what is cached of a partition's blocks (BLKFLSBUF).</summary>
    void ForgetCache(DiskPartition partition);

    /// <summary>Has the kernel look for namespaces, and gives the name of the one with this number as soon as its partitions are there, or null.</summary>
    string? FindNamespace(uint id);

    /// <summary>Mounts a partition of a namespace, by the partition's number, read-only; gives the directory.</summary>
    /// <exception cref="ControlException">It cannot be mounted.</exception>
    string MountLastView(string name, int partition, string type);

    /// <summary>Unmounts what <see cref="MountLastView"/> has mounted.</summary>
    void UnmountLastView(string directory);
}
