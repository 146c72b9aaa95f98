using Hv.Imaging;

namespace Hv.Bench;

/// <summary>Makes the disk that Hv starts from.</summary>
public static class HvImage
{
    /// <summary>Writes the image of a USB stick that starts the given program; with <paramref name="ownStart"/> Hv starts the machine's processors itself.</summary>
    public static void Create(string efi, string image, bool ownStart = false)
    {
        if (!File.Exists(efi))
            throw new BenchException($"Hv's image {efi} is missing; build it with: dotnet build Hv.sln");
        ImageFile program = new(BootImage.LoaderPath, File.ReadAllBytes(efi));
        ImageFile[] files = ownStart ? [program, BootImage.OwnStart] : [program];
        using FileStream disk = new(image, FileMode.Create, FileAccess.ReadWrite);
        BootImage.Create(disk, BootImage.SizeFor(files), files);
    }
}
