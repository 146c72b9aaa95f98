using System;
using System.Collections;
using System.Collections.Generic;
using System.Reflection;
using Hv.Drivers.Platform;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.HostTests;

/// <summary>A virtual platform that plays the part of the real machine.</summary>
public sealed class ModelHardware
{
    public readonly VirtualPlatform Machine;
    public readonly RealPlatform Real;

    /// <summary>The same as each processor sees it; the first is <see cref="Real"/>.</summary>
    public readonly RealPlatform[] Processors;

    public ModelHardware(VirtualClock clock, PlatformConfiguration configuration)
    {
        Machine = new VirtualPlatform(clock, configuration);
        Processors = new RealPlatform[Machine.Interrupts.ProcessorCount];
        for (int i = 0; i < Processors.Length; i++)
        {
            LocalApic apic = Machine.Interrupts.LocalApics[i];
            Processors[i] = new RealPlatform(Machine, new Msrs(apic), new Strict(apic), new Strict(Machine.Interrupts.IoApic), new Strict(Machine.Hpet));
        }
        Real = Processors[0];
    }

    /// <summary>Registers that answer aligned accesses of 32 bits only, as some chipsets and emulators do.</summary>
    private sealed class Strict(MmioDevice device) : MmioDevice
    {
        public override ulong ReadMmio(ulong offset, int size) => IsGood(offset, size) ? device.ReadMmio(offset, size) : 0;

        public override void WriteMmio(ulong offset, int size, ulong value)
        {
            if (IsGood(offset, size))
                device.WriteMmio(offset, size, value);
        }

        private static bool IsGood(ulong offset, int size) => size == 4 && (offset & 3) == 0
            ? true : throw new InvalidOperationException($"access of {size} bytes at {offset:X}");
    }

    private sealed class Msrs(LocalApic apic) : RealMsrs
    {
        public override ulong Read(uint msr)
            => apic.ReadMsr(msr, out ulong value) ? value : throw new InvalidOperationException($"RDMSR {msr:X} faults");

        public override void Write(uint msr, ulong value)
        {
            if (!apic.WriteMsr(msr, value))
                throw new InvalidOperationException($"WRMSR {msr:X} <- {value:X} faults");
        }
    }
}

/// <summary>Finds the fields in which two objects of one type differ, through everything that they own.</summary>
public static class StateDifference
{
    /// <summary>The differing fields as "path: left, right". Fields with a name in <paramref name="ignored"/> ("Type.field") are left out.</summary>
    public static List<string> Find(object left, object right, ISet<string> ignored)
    {
        var found = new List<string>();
        Compare(left, right, left.GetType().Name, ignored, new HashSet<object>(ReferenceEqualityComparer.Instance), found);
        return found;
    }

    private static void Compare(object? left, object? right, string path, ISet<string> ignored, HashSet<object> seen, List<string> found)
    {
        if (left == null || right == null)
        {
            if (left != right)
                found.Add($"{path}: {left}, {right}");
            return;
        }
        Type type = left.GetType();
        if (type.IsPrimitive || type.IsEnum)
        {
            if (!left.Equals(right))
                found.Add($"{path}: {left:X}, {right:X}");
            return;
        }
        if (!type.IsValueType && !seen.Add(left))
            return;
        if (left is Array a)
        {
            int index = 0;
            IEnumerator other = ((Array)right).GetEnumerator();
            foreach (object? element in a)
            {
                other.MoveNext();
                Compare(element, other.Current, $"{path}[{index++}]", ignored, seen, found);
            }
            return;
        }
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            if (!ignored.Contains($"{type.Name}.{field.Name}"))
                Compare(field.GetValue(left), field.GetValue(right), $"{path}.{field.Name}", ignored, seen, found);
        }
    }
}
