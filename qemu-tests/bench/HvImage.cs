namespace Hv.Bench;

/// <summary>Makes the disk that Hv starts from.</summary>
public static class HvImage
{
    private const int SizeMiB = 34, FirstMiB = 1;

    /// <summary>Writes a GPT disk image whose EFI system partition holds the given program as \EFI\BOOT\BOOTX64.EFI.</summary>
    public static void Create(string efi, string image)
    {
        if (!File.Exists(efi))
            throw new BenchException($"Hv's image {efi} is missing; build it with: dotnet build Hv.sln");
        int partitionMiB = SizeMiB - 2 * FirstMiB;
        string partition = image + ".esp";
        File.Delete(image);
        using (FileStream file = File.Create(image))
            file.SetLength((long)SizeMiB << 20);
        using (FileStream file = File.Create(partition))
            file.SetLength((long)partitionMiB << 20);
        Tool.Run("sfdisk", ["--quiet", image], input: $"label: gpt\nstart={FirstMiB}MiB, size={partitionMiB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n");
        Tool.Run("mkfs.vfat", ["-n", "HV", partition]);
        Tool.Run("mmd", ["-i", partition, "::/EFI", "::/EFI/BOOT"]);
        Tool.Run("mcopy", ["-i", partition, efi, "::/EFI/BOOT/BOOTX64.EFI"]);
        Tool.Run("dd", [$"if={partition}", $"of={image}", "bs=1M", $"seek={FirstMiB}", "conv=notrunc,sparse", "status=none"]);
        File.Delete(partition);
    }
}
