namespace Hv.Imaging;

/// <summary>How a FAT32 volume is divided (Microsoft's FAT specification, version 1.03).</summary>
public sealed class Fat32Geometry
{
    /// <summary>A volume with fewer clusters is not FAT32.</summary>
    public const uint MinimumClusters = 65525;

    /// <summary>The first cluster number.</summary>
    public const uint FirstCluster = 2;

    /// <summary>Sectors in front of the first FAT.</summary>
    public const uint ReservedSectors = 32;

    /// <summary>How many copies of the FAT there are.</summary>
    public const uint FatCount = 2;

    private const ulong MaximumClusters = 0x0fff_fff5;
    private const ulong SmallClusterLimit = 260ul << 20;

    /// <summary>Divides a volume of <paramref name="sectors"/> sectors.</summary>
    /// <exception cref="ImageException">It is too small or too large for FAT32.</exception>
    public Fat32Geometry(ulong sectors)
    {
        if (sectors > uint.MaxValue)
            throw new ImageException("A FAT32 file system is at most 2 TiB.");
        TotalSectors = (uint)sectors;
        SectorsPerCluster = sectors * Sectors.Size <= SmallClusterLimit ? 1u : 8u;

        // The larger the FAT, the fewer clusters are left for it to describe: the first size that is enough.
        ulong entriesPerSector = Sectors.Size / 4;
        ulong fat = 1;
        while (true)
        {
            ulong used = ReservedSectors + FatCount * fat;
            ulong clusters = sectors > used ? (sectors - used) / SectorsPerCluster : 0;
            ulong needed = (clusters + FirstCluster + entriesPerSector - 1) / entriesPerSector;
            if (needed <= fat)
            {
                if (clusters < MinimumClusters)
                    throw new ImageException("A FAT32 file system needs at least 34 MiB.");
                if (clusters > MaximumClusters)
                    throw new ImageException("The file system is too large for FAT32 with 4 KiB clusters.");
                ClusterCount = (uint)clusters;
                SectorsPerFat = (uint)fat;
                return;
            }
            fat = needed;
        }
    }

    /// <summary>All sectors of the volume.</summary>
    public uint TotalSectors { get; }

    /// <summary>Sectors in a cluster.</summary>
    public uint SectorsPerCluster { get; }

    /// <summary>Sectors in one FAT.</summary>
    public uint SectorsPerFat { get; }

    /// <summary>How many clusters there are.</summary>
    public uint ClusterCount { get; }

    /// <summary>Bytes in a cluster.</summary>
    public uint ClusterBytes => SectorsPerCluster * Sectors.Size;

    /// <summary>The first sector of <paramref name="cluster"/>, counted from the start of the volume.</summary>
    public ulong SectorOf(uint cluster) =>
        ReservedSectors + FatCount * SectorsPerFat + (ulong)(cluster - FirstCluster) * SectorsPerCluster;
}
