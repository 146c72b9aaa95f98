using System;

namespace Hv.Boot.Acpi;

/// <summary>
/// What Hv must know of the ACPI namespace that the firmware's tables define: host bridges, which PCI devices below them have an object, which general
/// purpose events are used. The tables are read, not executed: what they decide while they run is taken for there.
/// </summary>
public static class AcpiNamespace
{
    private const int MaxDepth = 12;
    // EISA IDs (ACPI 6.5, 19.3.4) "PNP0A03" and "PNP0A08".
    private const ulong PciBridgeId = 0x030A_D041, PciExpressBridgeId = 0x080A_D041;
    private const uint HardwareId = 0x4449_485F, CompatibleId = 0x4449_435F, Address = 0x5244_415F, BaseBus = 0x4E42_425F; // _HID, _CID, _ADR, _BBN
    private const uint WakeResources = 0x5752_505F; // _PRW
    // Where the number of a wake event is looked for if a method computes it.
    private const int MethodReach = 64;

    // The same as strings (6.1.5).
    private static ReadOnlySpan<byte> PciBridgeText => "PNP0A03\0"u8;
    private static ReadOnlySpan<byte> PciExpressBridgeText => "PNP0A08\0"u8;

    /// <summary>
    /// Adds the host bridges that a table's <paramref name="code"/> defines to the first <paramref name="count"/> ones of <paramref name="bridges"/>;
    /// gives how many there are now. What there is no room for is left out.
    /// </summary>
    public static int FindRootBridges(ReadOnlySpan<byte> code, Span<RootBridge> bridges, int count)
    {
        AmlPath root = default;
        FindRootBridges(code, in root, bridges, ref count, 0);
        return count;
    }

    /// <summary>Notes in <paramref name="bridges"/> for which PCI devices on their buses a table's <paramref name="code"/> has objects.</summary>
    public static void MarkDescribed(ReadOnlySpan<byte> code, Span<RootBridge> bridges)
    {
        AmlPath root = default;
        MarkDescribed(code, in root, bridges, 0);
    }

    /// <summary>Adds the general purpose events that a table's <paramref name="code"/> handles or wakes by; rather too many than too few.</summary>
    public static void AddEvents(ReadOnlySpan<byte> code, ref EventSet events)
    {
        for (int i = 0; i <= code.Length - 4; i++)
        {
            if (code[i] != (byte)'_')
                continue;
            if (code[i + 1] is (byte)'L' or (byte)'E' or (byte)'W' && HexDigit(code[i + 2]) >= 0 && HexDigit(code[i + 3]) >= 0)
                events.Add((byte)(HexDigit(code[i + 2]) << 4 | HexDigit(code[i + 3])));
            else if (AmlReader.TryReadSegment(code, i, out uint segment) && segment == WakeResources)
                AddWakeEvents(code.Slice(i + 4), ref events);
        }
    }

    /// <summary>The highest event of a block of <paramref name="count"/> that is not in <paramref name="used"/>; -1 if all are.</summary>
    public static int FindFreeEvent(in EventSet used, int count)
    {
        for (int i = Math.Min(count, 128) - 1; i >= 0; i--)
        {
            if (!used.Has((byte)i))
                return i;
        }
        return -1;
    }

    private static void FindRootBridges(ReadOnlySpan<byte> code, in AmlPath scope, Span<RootBridge> bridges, ref int count, int depth)
    {
        var terms = new AmlTerms(code, in scope);
        while (terms.Next())
        {
            if (terms.Kind is not (AmlTermKind.Scope or AmlTermKind.Device))
                continue;
            AmlPath path = terms.Path;
            if (terms.Kind == AmlTermKind.Device && IsRootBridge(terms.Body, in path) && count < bridges.Length && !IsKnown(bridges.Slice(0, count), in path))
            {
                _ = TryFindInteger(terms.Body, in path, BaseBus, out ulong bus);
                bridges[count++] = new RootBridge { Path = path, Bus = (uint)bus };
            }
            if (depth < MaxDepth)
                FindRootBridges(terms.Body, in path, bridges, ref count, depth + 1);
        }
    }

    private static void MarkDescribed(ReadOnlySpan<byte> code, in AmlPath scope, Span<RootBridge> bridges, int depth)
    {
        var terms = new AmlTerms(code, in scope);
        while (terms.Next())
        {
            if (terms.Kind is not (AmlTermKind.Scope or AmlTermKind.Device))
                continue;
            AmlPath path = terms.Path;
            for (int i = 0; i < bridges.Length && terms.Kind == AmlTermKind.Device; i++)
            {
                if (path.IsChildOf(in bridges[i].Path) && TryFindInteger(terms.Body, in path, Address, out ulong address) && address >> 16 < 32)
                    bridges[i].Described |= 1u << (int)(address >> 16);
            }
            if (depth < MaxDepth)
                MarkDescribed(terms.Body, in path, bridges, depth + 1);
        }
    }

    private static bool IsKnown(ReadOnlySpan<RootBridge> bridges, in AmlPath path)
    {
        for (int i = 0; i < bridges.Length; i++)
        {
            if (bridges[i].Path.Is(in path))
                return true;
        }
        return false;
    }

    private static bool IsRootBridge(ReadOnlySpan<byte> body, in AmlPath device) =>
        TryFindData(body, in device, HardwareId, out ReadOnlySpan<byte> data) && IsBridgeId(data)
        || TryFindData(body, in device, CompatibleId, out data) && IsBridgeId(data);

    private static bool IsBridgeId(ReadOnlySpan<byte> data)
    {
        int at = 0;
        if (AmlReader.TryReadInteger(data, ref at, out ulong id))
            return id is PciBridgeId or PciExpressBridgeId;
        return data.Length > PciBridgeText.Length && data[0] == AmlOpcode.StringPrefix
            && (data.Slice(1, PciBridgeText.Length).SequenceEqual(PciBridgeText)
                || data.Slice(1, PciBridgeText.Length).SequenceEqual(PciExpressBridgeText));
    }

    private static bool TryFindInteger(ReadOnlySpan<byte> body, in AmlPath device, uint name, out ulong value)
    {
        int at = 0;
        value = 0;
        return TryFindData(body, in device, name, out ReadOnlySpan<byte> data) && AmlReader.TryReadInteger(data, ref at, out value);
    }

    private static bool TryFindData(ReadOnlySpan<byte> body, in AmlPath device, uint name, out ReadOnlySpan<byte> data)
    {
        var terms = new AmlTerms(body, in device);
        data = default;
        while (terms.Next())
        {
            AmlPath path = terms.Path;
            if (terms.Kind != AmlTermKind.Name || path.Last != name || !path.IsChildOf(in device))
                continue;
            data = terms.Body;
            return true;
        }
        return false;
    }

    // Behind the name: a package whose first element is the event's number, or the rest of a method that makes such a package.
    private static void AddWakeEvents(ReadOnlySpan<byte> code, ref EventSet events)
    {
        int at = 1;
        if (code.Length != 0 && code[0] == AmlOpcode.Package && AmlReader.TryReadPackage(code, ref at, out _))
        {
            // The number of elements comes first.
            at++;
            if (AmlReader.TryReadInteger(code, ref at, out ulong number))
                events.Add((byte)number);
            return;
        }
        for (int i = 0; i < Math.Min(code.Length, MethodReach); i++)
        {
            int from = i;
            if (code[i] == AmlOpcode.BytePrefix && AmlReader.TryReadInteger(code, ref from, out ulong number))
                events.Add((byte)number);
        }
    }

    private static int HexDigit(byte letter) => letter switch
    {
        >= (byte)'0' and <= (byte)'9' => letter - '0',
        >= (byte)'A' and <= (byte)'F' => letter - 'A' + 10,
        _ => -1,
    };
}
