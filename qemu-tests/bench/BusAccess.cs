using System.Globalization;
using System.Net.Sockets;

namespace Hv.Bench;

/// <summary>
/// Reads and writes physical addresses of a QEMU machine from outside, memory and registers alike, while it runs: what a device that has a mind of its own, or a
/// management controller, could do. It is QEMU's qtest protocol.
/// </summary>
public sealed class BusAccess : IDisposable
{
    private readonly Socket socket;
    private readonly StreamReader reader;
    private readonly StreamWriter writer;

    /// <summary>Takes over a connected socket.</summary>
    public BusAccess(Socket socket)
    {
        this.socket = socket;
        NetworkStream stream = new(socket, ownsSocket: true);
        reader = new StreamReader(stream);
        writer = new StreamWriter(stream) { AutoFlush = true };
    }

    /// <summary>Reads 64 bits.</summary>
    public ulong Read64(ulong address) => ulong.Parse(Ask("readq", address).AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Writes 64 bits.</summary>
    public void Write64(ulong address, ulong value) => Ask("writeq", address, value);

    /// <summary>Writes 16 bits.</summary>
    public void Write16(ulong address, ushort value) => Ask("writew", address, value);

    /// <inheritdoc/>
    public void Dispose()
    {
        reader.Dispose();
        socket.Dispose();
    }

    private string Ask(string command, params ReadOnlySpan<ulong> numbers)
    {
        foreach (ulong number in numbers)
            command += string.Create(CultureInfo.InvariantCulture, $" 0x{number:x}");
        writer.WriteLine(command);
        string? answer = reader.ReadLine();
        return answer is not null && answer.StartsWith("OK", StringComparison.Ordinal) ? answer[2..].Trim()
            : throw new BenchException($"QEMU refused '{command}': '{answer}'.");
    }
}
