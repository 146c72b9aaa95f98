using Hv.Imaging;

namespace Hv.Bench;

/// <summary>Makes the disk that Hv starts from.</summary>
public static class HvImage
{
    // Where no firmware looks for a boot loader.
    private const string OtherPath = "EFI/HV/HV.EFI";

    /// <summary>Writes the image of a USB stick that starts the given program; with <paramref name="ownStart"/> Hv starts the machine's processors itself.</summary>
    public static void Create(string efi, string image, bool ownStart = false) => Create(efi, image, BootImage.LoaderPath, ownStart);

    /// <summary>Writes the same image, but the firmware does not find the program on it, and goes on to the next disk: the machine is the same as with Hv.</summary>
    public static void CreateIdle(string efi, string image) => Create(efi, image, OtherPath, ownStart: false);

    private static void Create(string efi, string image, string path, bool ownStart)
    {
        if (!File.Exists(efi))
            throw new BenchException($"Hv's image {efi} is missing; build it with: dotnet build Hv.sln");
        ImageFile program = new(path, File.ReadAllBytes(efi));
        ImageFile[] files = ownStart ? [program, BootImage.OwnStart] : [program];
        using FileStream disk = new(image, FileMode.Create, FileAccess.ReadWrite);
        BootImage.Create(disk, BootImage.SizeFor(files), files);
    }
}
