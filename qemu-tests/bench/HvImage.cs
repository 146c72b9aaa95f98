using Hv.Imaging;

namespace Hv.Bench;

/// <summary>Makes the disk that Hv starts from.</summary>
public static class HvImage
{
    // Where no firmware looks for a boot loader.
    private const string OtherPath = "EFI/HV/HV.EFI";

    /// <summary>Writes the image of a USB stick that starts the given program.</summary>
    public static void Create(string efi, string image) => Create(efi, image, BootImage.LoaderPath);

    /// <summary>Writes the same image, but the firmware does not find the program on it, and goes on to the next disk: the machine is the same as with Hv.</summary>
    public static void CreateIdle(string efi, string image) => Create(efi, image, OtherPath);

    private static void Create(string efi, string image, string path)
    {
        if (!File.Exists(efi))
            throw new BenchException($"Hv's image {efi} is missing; build it with: dotnet build Hv.sln");
        ImageFile[] files = [new(path, File.ReadAllBytes(efi))];
        using FileStream disk = new(image, FileMode.Create, FileAccess.ReadWrite);
        BootImage.Create(disk, BootImage.SizeFor(files), files);
    }
}
