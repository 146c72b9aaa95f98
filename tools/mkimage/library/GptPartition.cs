using System;

namespace Hv.Imaging;

/// <summary>An entry of a GUID partition table.</summary>
/// <param name="Type">The partition type.</param>
/// <param name="Id">The partition's own GUID.</param>
/// <param name="FirstSector">Its first 512-byte sector.</param>
/// <param name="LastSector">Its last sector, which belongs to it.</param>
/// <param name="Name">Its name, at most 36 UTF-16 code units.</param>
public sealed record GptPartition(Guid Type, Guid Id, ulong FirstSector, ulong LastSector, string Name)
{
    /// <summary>The type of an EFI system partition (UEFI table 5.7).</summary>
    public static readonly Guid EfiSystem = new("C12A7328-F81F-11D2-BA4B-00A0C93EC93B");

    /// <summary>How many sectors it has.</summary>
    public ulong SectorCount => LastSector - FirstSector + 1;
}
