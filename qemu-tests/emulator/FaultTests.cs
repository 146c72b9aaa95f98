using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

[Collection(Collections.Qemu)]
public sealed class FaultTests
{
    // To its end: the report is written byte by byte.
    private const string LoopLine = @"    0x[0-9a-f]+ \S*VcpuLoop\S*Run\S*\+0x[0-9a-f]+\s";
    private const ushort LinuxCodeSelector = 0x10;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2), Slice = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void A_fault_in_Hv_is_reported_with_registers_and_the_names_of_functions()
    {
        // Whatever starts asks for CPUID.
        const string function = "Hv_Hv_Kernel_Vm_GuestCpuid__Filter";
        using QemuMachine machine = (QemuMachine)Machine.Start(BenchKind.QemuSvm, "fault", callsNull: function);
        WaitFor(machine, LoopLine);
        string report = machine.ReadHvLog();
        Assert.Matches(@"Hv fault, vector 0xe\b", report);
        Assert.Matches(@"  rip 0x0 ", report);
        Assert.Matches(@"  rsp 0x[0-9a-f]+\s+rflags", report.ReplaceLineEndings(" "));
        Assert.Matches(@"  r0 0{16}  r1 [0-9a-f]{16}  r2 [0-9a-f]{16}  r3 [0-9a-f]{16}", report);
        Assert.Matches($@"    0x[0-9a-f]+ \S*GuestCpuid\S*Filter\+0x{PatchedImage.CallNull.Length:x}\s", report);
    }

    [Theory]
    [InlineData(0u, 0ul)]
    [InlineData(0u, 1ul << 62 | 3)]
    [InlineData(1u, 3ul)]
    public void A_bad_XSETBV_gives_the_guest_a_general_protection_exception(uint register, ulong value)
    {
        // In a system call of a process: at any other place the kernel may be in the middle of entering or leaving itself, where no fault is foreseen.
        const string function = "__x64_sys_sethostname";
        const byte movEax = 0xB8, movEcx = 0xB9, movEdx = 0xBA;
        byte[] code =
        [
            movEcx, .. BitConverter.GetBytes(register), movEax, .. BitConverter.GetBytes((uint)value), movEdx, .. BitConverter.GetBytes((uint)(value >> 32)),
            0x0F, 0x01, 0xD1, // XSETBV
        ];
        using QemuMachine machine = (QemuMachine)Machine.Start(BenchKind.QemuSvm, "xsetbv", GuestKind.Small);
        Guest guest = Guest.Create(GuestKind.Small, machine);
        guest.WaitUntilUp(Limit);
        guest.LogIn(Limit);
        ulong address = ulong.Parse(guest.Run($"grep ' {function}$' /proc/kallsyms | cut -d' ' -f1", Limit), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        using (GdbStub debugger = machine.OpenDebugger(Limit))
        {
            StopInLinux(debugger);
            debugger.WriteMemory(address, code);
            debugger.Continue();
            guest.Begin("hostname other");
            machine.Console.Expect("general protection fault", Limit);
        }
        Assert.DoesNotContain("Hv fault", machine.ReadHvLog(), StringComparison.Ordinal);
    }

    private static void StopInLinux(GdbStub debugger)
    {
        long start = Stopwatch.GetTimestamp();
        while (debugger.ReadCs() != LinuxCodeSelector)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, "the code was never met at work");
            debugger.Continue();
            Thread.Sleep(Slice);
            debugger.Stop();
        }
    }

    private static void WaitFor(QemuMachine machine, string pattern)
    {
        long start = Stopwatch.GetTimestamp();
        while (!Regex.IsMatch(machine.ReadHvLog(), pattern))
        {
            if (machine.HasExited || Stopwatch.GetElapsedTime(start) > Limit)
                throw machine.Explain(new BenchException($"Hv has not said '{pattern}'."));
            Thread.Sleep(Slice);
        }
    }
}
