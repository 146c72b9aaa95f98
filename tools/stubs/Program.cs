using System;
using Hv.Stubs;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: Hv.Stubs OUTPUT.obj    assembles Hv's machine-code stubs into a COFF object");
    return 2;
}
var assembler = new StubAssembler();
FaultStubs.Emit(assembler);
MemoryStubs.Emit(assembler);
ProcessorStubs.Emit(assembler);
GuestStubs.Emit(assembler);
assembler.ToObject().Save(args[0]);
return 0;
