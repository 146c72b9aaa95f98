using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Hv.Stubs;

/// <summary>A COFF object file (PE/COFF specification, sections 3 to 5) with one section, for lld-link.</summary>
internal sealed class CoffObject(string sectionName, uint characteristics)
{
    /// <summary>IMAGE_SCN_CNT_CODE | IMAGE_SCN_ALIGN_16BYTES | IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ.</summary>
    public const uint CodeSection = 0x0000_0020 | 0x0050_0000 | 0x2000_0000 | 0x4000_0000;
    /// <summary>IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_ALIGN_16BYTES | IMAGE_SCN_MEM_READ.</summary>
    public const uint ReadOnlyDataSection = 0x0000_0040 | 0x0050_0000 | 0x4000_0000;

    private const ushort MachineAmd64 = 0x8664;
    private const ushort RelativeRelocation32 = 4; // IMAGE_REL_AMD64_REL32
    private const byte ExternalClass = 2;          // IMAGE_SYM_CLASS_EXTERNAL
    private const ushort FunctionType = 0x20;
    private const int FileHeaderBytes = 20, SectionHeaderBytes = 40, RelocationBytes = 10;

    private readonly List<(string Name, uint Offset)> _defined = [];
    private readonly List<string> _undefined = [];
    private readonly List<(uint Offset, string Target)> _relocations = [];

    /// <summary>The section's contents.</summary>
    public byte[] Contents { get; set; } = [];

    /// <summary>Gives the byte at <paramref name="offset"/> a name that other objects can use.</summary>
    public void Define(string name, uint offset) => _defined.Add((name, offset));

    /// <summary>Lets the linker put the distance to <paramref name="target"/> into the four bytes at <paramref name="offset"/>.</summary>
    public void Relocate(uint offset, string target)
    {
        if (!_undefined.Contains(target))
            _undefined.Add(target);
        _relocations.Add((offset, target));
    }

    public void Save(string path)
    {
        using var file = new BinaryWriter(File.Create(path));
        uint dataStart = FileHeaderBytes + SectionHeaderBytes;
        uint relocationStart = dataStart + (uint)Contents.Length;
        uint symbolStart = relocationStart + (uint)(_relocations.Count * RelocationBytes);

        file.Write(MachineAmd64);
        file.Write((ushort)1);                     // sections
        file.Write(0u);                            // time stamp: none, the file is reproducible
        file.Write(symbolStart);
        file.Write((uint)(_defined.Count + _undefined.Count));
        file.Write(0u);                            // optional header and flags

        file.Write(Encoding.ASCII.GetBytes(sectionName.PadRight(8, '\0'))[..8]);
        file.Write(0u);
        file.Write(0u);
        file.Write((uint)Contents.Length);
        file.Write(dataStart);
        file.Write(_relocations.Count == 0 ? 0 : relocationStart);
        file.Write(0u);
        file.Write((ushort)_relocations.Count);
        file.Write((ushort)0);
        file.Write(characteristics);

        file.Write(Contents);
        foreach ((uint offset, string target) in _relocations)
        {
            file.Write(offset);
            file.Write((uint)(_defined.Count + _undefined.IndexOf(target)));
            file.Write(RelativeRelocation32);
        }
        var strings = new MemoryStream();
        foreach ((string name, uint offset) in _defined)
            WriteSymbol(file, strings, name, offset, section: 1);
        foreach (string name in _undefined)
            WriteSymbol(file, strings, name, value: 0, section: 0);
        file.Write((uint)strings.Length + sizeof(uint));
        file.Write(strings.ToArray());
    }

    private static void WriteSymbol(BinaryWriter file, MemoryStream strings, string name, uint value, short section)
    {
        // Every name goes through the string table, whose offsets count its own length field.
        file.Write(0u);
        file.Write((uint)strings.Length + sizeof(uint));
        strings.Write(Encoding.ASCII.GetBytes(name + '\0'));
        file.Write(value);
        file.Write(section);
        file.Write(FunctionType);
        file.Write(ExternalClass);
        file.Write((byte)0);
    }
}
