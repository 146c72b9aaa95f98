using System;
using System.Collections.Generic;
using System.IO;
using Iced.Intel;

namespace Hv.Stubs;

/// <summary>An Iced assembler that knows routine names and calls of C# functions.</summary>
internal sealed class StubAssembler() : Assembler(64)
{
    private const byte CallOpcode = 0xE8;
    private const uint CallBytes = 5;

    private readonly List<(string Name, Label Label)> _routines = [];
    private readonly List<(string Target, Label Label)> _calls = [];

    /// <summary>Starts a routine that C# imports as <paramref name="name"/>.</summary>
    public void Routine(string name)
    {
        Label label = CreateLabel(name);
        Label(ref label);
        _routines.Add((name, label));
    }

    /// <summary>Starts a routine at a label that code elsewhere in the stubs also uses.</summary>
    public void Routine(string name, ref Label label)
    {
        Label(ref label);
        _routines.Add((name, label));
    }

    /// <summary>Calls a C# method that carries a RuntimeExport of this name.</summary>
    public void CallManaged(string target)
    {
        Label label = CreateLabel(target);
        Label(ref label);
        db(CallOpcode, 0, 0, 0, 0);
        _calls.Add((target, label));
    }

    /// <summary>Assembles everything into one code section.</summary>
    public CoffObject ToObject()
    {
        var bytes = new MemoryStream();
        AssemblerResult result = Assemble(new StreamCodeWriter(bytes), rip: 0,
            BlockEncoderOptions.ReturnNewInstructionOffsets);
        var image = new CoffObject(".text", CoffObject.CodeSection) { Contents = bytes.ToArray() };
        foreach ((string name, Label label) in _routines)
            image.Define(name, (uint)result.GetLabelRIP(label));
        foreach ((string target, Label label) in _calls)
            image.Relocate((uint)result.GetLabelRIP(label) + CallBytes - sizeof(uint), target);
        return image;
    }
}
