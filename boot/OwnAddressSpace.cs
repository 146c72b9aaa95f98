using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;

namespace Hv.Boot;

/// <summary>Makes Hv's own address space, with its image's sections as they want to be.</summary>
internal static unsafe class OwnAddressSpace
{
    /// <summary>All physical memory one to one, without the guard pages of all processors' stacks; only Hv's code can be executed.</summary>
    public static PageTable Build(BootParameters* parameters, RegionPages pages, HostDescriptors[] descriptors)
    {
        var table = new PageTable(NestedFormat.LongMode, pages, AddressSpace.HasHugePages);
        ulong end = (System.Math.Max(parameters->MemoryEnd, 1ul << 32) + PageSize.Huge - 1) & ~((ulong)PageSize.Huge - 1);
        Status status = AddressSpace.MapAll(table, end);
        for (int i = 0; i < descriptors.Length; i++)
        {
            for (int k = 0; k <= HostDescriptors.InterruptStacks && status == Status.Ok; k++)
                status = table.Unmap((ulong)descriptors[i].GuardPage(k), PageSize.Small);
        }
        if (status == Status.Ok)
            status = ProtectImage(parameters, table);
        Invariant.Holds(status == Status.Ok, "address space");
        return table;
    }

    // Code is executable and not writable, constants neither; everything else of the address space is not executable.
    private static Status ProtectImage(BootParameters* parameters, PageTable table)
    {
        var image = new System.ReadOnlySpan<byte>(parameters->Image, (int)parameters->ImageBytes);
        Result<int> count = PortableExecutable.SectionCount(image);
        if (!count.IsOk)
            return count.Status;
        for (int i = 0; i < count.Value; i++)
        {
            Result<PortableExecutable.Section> section = PortableExecutable.SectionAt(image, i);
            if (!section.IsOk)
                return section.Status;
            uint flags = section.Value.Characteristics;
            PageAccess access = ((flags & PortableExecutable.SectionExecutable) != 0 ? PageAccess.Execute : 0) |
                ((flags & PortableExecutable.SectionWritable) != 0 ? PageAccess.Write : 0);
            if (access == PageAccess.All)
                return Status.Malformed;
            ulong start = (ulong)parameters->Image + section.Value.Offset;
            ulong bytes = (section.Value.Bytes + PageSize.Small - 1) & ~(ulong)(PageSize.Small - 1);
            Status status = table.Map(start, new HostPhysical(start), bytes, access, MemoryType.WriteBack);
            if (status != Status.Ok)
                return status;
        }
        return Status.Ok;
    }

    /// <summary>Lets fault reports name Hv's functions.</summary>
    public static void NameSymbols(BootParameters* parameters)
    {
        const ulong symbolName = 0x0000_6D79_7376_682E; // ".hvsym"
        var image = new System.ReadOnlySpan<byte>(parameters->Image, (int)parameters->ImageBytes);
        Result<int> count = PortableExecutable.SectionCount(image);
        uint codeStart = uint.MaxValue, codeEnd = 0;
        byte* table = null;
        for (int i = 0; count.IsOk && i < count.Value; i++)
        {
            Result<PortableExecutable.Section> section = PortableExecutable.SectionAt(image, i);
            if (!section.IsOk)
                return;
            if ((section.Value.Characteristics & PortableExecutable.SectionExecutable) != 0)
            {
                codeStart = System.Math.Min(codeStart, section.Value.Offset);
                codeEnd = System.Math.Max(codeEnd, section.Value.Offset + section.Value.Bytes);
            }
            if (section.Value.Name == symbolName)
                table = parameters->Image + section.Value.Offset;
        }
        SymbolTable.Use(parameters->Image, codeStart, codeEnd, table);
    }
}
