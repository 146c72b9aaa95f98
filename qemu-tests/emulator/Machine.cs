using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>Starts machines for tests.</summary>
internal static class Machine
{
    /// <summary>Turns on a machine with Hv and, unless <paramref name="guest"/> is null, a fresh disk of that guest; 0 MiB is the bench's usual memory; <paramref name="extra"/> are more arguments for the emulator;
    /// <paramref name="leftOut"/>: a function of Hv's that does nothing; <paramref name="callsNull"/>: one that calls address 0 (<see cref="PatchedImage"/>).</summary>
    public static Emulator Start(BenchKind bench, string name, GuestKind? guest = null, DiskBus disk = DiskBus.Nvme, int processors = 1, int memoryMiB = 0,
        IReadOnlyList<string>? extra = null, IommuKind iommu = IommuKind.None, bool busAccess = false, Chipset chipset = Chipset.Q35, string? leftOut = null, string? callsNull = null, bool ownStart = false)
    {
        string run = Paths.NewRun($"{name}-{bench.Name()}");
        string hv = Path.Combine(run, "hv.img");
        string efi = Paths.Efi;
        if (leftOut is not null)
            PatchedImage.Write(leftOut, PatchedImage.Return, efi = Path.Combine(run, "Hv.efi"));
        else if (callsNull is not null)
            PatchedImage.Write(callsNull, PatchedImage.CallNull, efi = Path.Combine(run, "Hv.efi"));
        HvImage.Create(efi, hv, ownStart);
        string? guestDisk = null;
        if (guest is { } kind)
            GuestImage.Get(kind).CopyTo(guestDisk = Path.Combine(run, "guest.img"));
        Emulator emulator = Emulator.Create(bench, new MachineOptions { RunFolder = run, HvImage = hv, GuestDisk = guestDisk, Disk = disk, Processors = processors, MemoryMiB = memoryMiB, Extra = extra ?? [], Iommu = iommu, HasBusAccess = busAccess, Chipset = chipset });
        try
        {
            emulator.Start();
            return emulator;
        }
        catch
        {
            emulator.Dispose();
            throw;
        }
    }

    /// <summary>Does with a machine what a fixture has to do. If it fails, <paramref name="owner"/> is disposed, and the exception says what the machine said last.</summary>
    public static void Prepare(Emulator machine, IDisposable owner, Action prepare)
    {
        try
        {
            prepare();
        }
        catch (BenchException e)
        {
            BenchException explained = machine.Explain(e);
            owner.Dispose();
            throw explained;
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }
}
