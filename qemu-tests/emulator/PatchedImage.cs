using System.Globalization;
using System.Reflection.PortableExecutable;
using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>Images of Hv with something left out or wrong, for tests that must notice.</summary>
internal static class PatchedImage
{
    /// <summary>RET: the function does nothing.</summary>
    public static ReadOnlySpan<byte> Return => [0xC3];

    /// <summary>XOR EAX, EAX; CALL RAX: the function calls address 0.</summary>
    public static ReadOnlySpan<byte> CallNull => [0x31, 0xC0, 0xFF, 0xD0];

    /// <summary>Writes an image to <paramref name="path"/> whose function <paramref name="symbol"/> (as Hv.map names it) begins with <paramref name="code"/>.</summary>
    public static void Write(string symbol, ReadOnlySpan<byte> code, string path)
    {
        byte[] image = File.ReadAllBytes(Paths.Efi);
        code.CopyTo(image.AsSpan(OffsetOf(symbol, image)));
        File.WriteAllBytes(path, image);
    }

    // Lines of Hv.map: section:offset, name, address, object file.
    private static int OffsetOf(string symbol, byte[] image)
    {
        const int nameColumn = 1, addressColumn = 2;
        string[] line = File.ReadLines(Path.ChangeExtension(Paths.Efi, ".map")).Select(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .SingleOrDefault(words => words.Length > addressColumn && words[nameColumn] == symbol)
            ?? throw new BenchException($"Hv.map does not have the function {symbol}: it has another name now, or the compiler has left it out.");
        PEHeaders headers = new PEReader(new MemoryStream(image)).PEHeaders;
        int address = (int)(long.Parse(line[addressColumn], NumberStyles.HexNumber, CultureInfo.InvariantCulture) - (long)headers.PEHeader!.ImageBase);
        SectionHeader section = headers.SectionHeaders[headers.GetContainingSectionIndex(address)];
        return address - section.VirtualAddress + section.PointerToRawData;
    }
}
