using System.Runtime.InteropServices;

namespace Hv.Kernel.Processor;

/// <summary>
/// Hv's own GDT, IDT, TSS and stacks for one processor. Layout in one block of pages, from low to high:
/// tables; then for each stack a guard page followed by the stack.
/// </summary>
public sealed unsafe class HostDescriptors
{
    /// <summary>Selectors in Hv's GDT. Intel wants TR's base and host selectors with RPL 0 and TI 0 (SDM vol. 3C, 27.2.3).</summary>
    public const ushort CodeSelector = 0x08, DataSelector = 0x10, TaskSelector = 0x18;

    /// <summary>Interrupt stacks (IST entries 1 to 3): double fault, NMI, machine check. Every other vector stays on the running stack.</summary>
    public const int InterruptStacks = 3;

    private const int DoubleFault = 8, Nmi = 2, MachineCheck = 18;
    private const int Vectors = 256, EntryBytes = 16, StubBytes = 16;
    private const ulong CodeDescriptor = 0x00AF_9B00_0000_FFFF; // present, ring 0, 64-bit code, accessed
    private const ulong DataDescriptor = 0x00CF_9300_0000_FFFF; // present, ring 0, writable data, accessed
    private const ulong TaskDescriptorType = 0x8B;              // present, 64-bit TSS (busy)
    private const ulong TaskDescriptorAvailable = 0x89;
    private const ulong InterruptGate = 0x8E;                   // present, ring 0, 64-bit interrupt gate
    private const int TaskBytes = 104;                          // SDM vol. 3A, 8.7
    private const int TaskInterruptStackTable = 36;
    private const int TaskIoMapBase = 102;
    private const int GdtOffset = 0, TaskOffset = 64, IdtOffset = 1024, ProcessorOffset = 6144;
    private const uint TablePages = 2;

    private readonly byte* _block;

    /// <summary>Pages that <see cref="HostDescriptors(byte*, int, uint)"/> needs.</summary>
    public const uint Pages = TablePages + StackPages + InterruptStacks * InterruptStackPages;

    /// <summary>The page behind the main stack, counted from the start of the block.</summary>
    public const uint MainStackEndPage = TablePages + StackPages;

    private const uint StackPages = 1 + HostStack.Bytes / PageSize.Small, InterruptStackPages = 1 + HostStack.InterruptBytes / PageSize.Small;

    /// <summary>
    /// Builds the tables of processor <paramref name="index"/> in <paramref name="block"/>: <see cref="Pages"/> zeroed pages.
    /// </summary>
    public HostDescriptors(byte* block, int index, uint apicId)
    {
        _block = block;
        PerProcessor.Initialize(Processor, index, apicId, (ulong)GuardPage(0), StackTop(InterruptStacks));
        ulong* gdt = (ulong*)(block + GdtOffset);
        ulong task = (ulong)(block + TaskOffset);
        gdt[1] = CodeDescriptor;
        gdt[2] = DataDescriptor;
        gdt[3] = (TaskBytes - 1) | (task & 0xFF_FFFF) << 16 | TaskDescriptorAvailable << 40 | (task >> 24 & 0xFF) << 56;
        gdt[4] = task >> 32;
        for (int i = 0; i < InterruptStacks; i++)
            *(ulong*)(task + TaskInterruptStackTable + (ulong)i * sizeof(ulong)) = StackTop(i + 1);
        *(ushort*)(task + TaskIoMapBase) = TaskBytes;

        ulong entries = Stubs.InterruptEntriesAddress();
        for (int vector = 0; vector < Vectors; vector++)
        {
            ulong handler = entries + (ulong)vector * StubBytes;
            ulong stack = vector switch { DoubleFault => 1, Nmi => 2, MachineCheck => 3, _ => 0 };
            ulong* gate = (ulong*)(block + IdtOffset + vector * EntryBytes);
            gate[0] = (handler & 0xFFFF) | (ulong)CodeSelector << 16 | stack << 32 | InterruptGate << 40 | (handler >> 16 & 0xFFFF) << 48;
            gate[1] = handler >> 32;
        }
    }

    /// <summary>The top of the stack that Hv runs on (Hv-virtual, 16-byte aligned).</summary>
    public ulong MainStackTop => StackTop(0);

    /// <summary>Base of the GDT, the IDT and the TSS (Hv-virtual): what the VMCS host state names.</summary>
    public ulong GdtBase => (ulong)(_block + GdtOffset);

    /// <summary>Base of the IDT.</summary>
    public ulong IdtBase => (ulong)(_block + IdtOffset);

    /// <summary>Base of the TSS.</summary>
    public ulong TaskBase => (ulong)(_block + TaskOffset);

    /// <summary>What Hv knows of the processor.</summary>
    public PerProcessor* Processor => (PerProcessor*)(_block + ProcessorOffset);

    /// <summary>The guard page below stack <paramref name="index"/> (0: main, then the interrupt stacks): to be left unmapped.</summary>
    public byte* GuardPage(int index) =>
        _block + (TablePages + (index == 0 ? 0 : StackPages + (uint)(index - 1) * InterruptStackPages)) * PageSize.Small;

    /// <summary>Loads GDT, IDT, TSS and segment registers. From here on a fault in Hv is Hv's own.</summary>
    public void Load()
    {
        // LTR wants the descriptor available, and marks it busy.
        ulong* gdt = (ulong*)GdtBase;
        gdt[3] = (gdt[3] & ~(0xFFul << 40)) | TaskDescriptorAvailable << 40;
        PseudoDescriptor pseudo;
        pseudo.Limit = 5 * sizeof(ulong) - 1;
        pseudo.Base = GdtBase;
        Stubs.LoadGdt(&pseudo, CodeSelector, DataSelector);
        Stubs.LoadTaskRegister(TaskSelector);
        _ = Msr.Write(Msr.GsBase, (ulong)Processor);
        LoadIdt();
    }

    /// <summary>Loads the IDT alone, with its full limit (a VM exit on Intel leaves the limit FFFFh).</summary>
    public void LoadIdt()
    {
        PseudoDescriptor pseudo;
        pseudo.Limit = Vectors * EntryBytes - 1;
        pseudo.Base = IdtBase;
        Stubs.LoadIdt(&pseudo);
    }

    private ulong StackTop(int index) => (ulong)GuardPage(index) + (index == 0 ? StackPages : InterruptStackPages) * PageSize.Small;
}
