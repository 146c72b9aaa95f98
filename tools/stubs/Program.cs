using System;
using System.IO;
using Hv.Stubs;

switch (args)
{
    case ["stubs", string output]:
        var assembler = new StubAssembler();
        FaultStubs.Emit(assembler);
        MemoryStubs.Emit(assembler);
        ProcessorStubs.Emit(assembler);
        GuestStubs.Emit(assembler);
        WakeStubs.Emit(assembler);
        assembler.ToObject().Save(output);
        return 0;
    case ["symbols", string map, string output]:
        SymbolObject.FromMap(File.ReadLines(map)).Save(output);
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: Hv.Stubs stubs OUTPUT.obj          assembles Hv's machine-code stubs into a COFF object
                   Hv.Stubs symbols MAP OUTPUT.obj    makes Hv's symbol table of the linker's map
            """);
        return 2;
}
