using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Hv.Bench;

/// <summary>
/// A connection to QEMU's debugger port (GDB manual, appendix E, remote serial protocol): stops the processor and changes its memory. The
/// machine stands still from the moment it is opened until <see cref="Continue"/>.
/// </summary>
public sealed class GdbStub : IDisposable
{
    // The 16 general registers and RIP take 8 bytes each, EFLAGS and the selectors 4, in two hexadecimal digits a byte.
    private const int RipDigits = 16 * 16, CsDigits = RipDigits + 16 + 8;
    private const byte Break = 0x03;

    private readonly NetworkStream stream;

    /// <summary>Takes over a connected socket.</summary>
    public GdbStub(Socket socket, TimeSpan timeout)
    {
        socket.ReceiveTimeout = (int)timeout.TotalMilliseconds;
        stream = new NetworkStream(socket, ownsSocket: true);
        _ = Ask("?");
    }

    /// <summary>The selector in CS. The processor must stand still.</summary>
    public ushort ReadCs() => BinaryPrimitives.ReadUInt16LittleEndian(Convert.FromHexString(Ask("g").AsSpan(CsDigits, 4)));

    /// <summary>Changes memory (guest-virtual address), write-protected or not.</summary>
    public void WriteMemory(ulong address, ReadOnlySpan<byte> bytes) => Change($"M{address:x},{bytes.Length:x}:{Convert.ToHexString(bytes)}");

    /// <summary>Lets the processor run.</summary>
    public void Continue() => Send("c");

    /// <summary>Stops the processor, wherever it is.</summary>
    public void Stop()
    {
        stream.WriteByte(Break);
        _ = Receive();
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private void Change(string packet)
    {
        string answer = Ask(packet);
        if (answer != "OK")
            throw new BenchException($"QEMU's debugger port refused '{packet}': '{answer}'.");
    }

    private string Ask(string packet)
    {
        Send(packet);
        return Receive();
    }

    private void Send(string packet)
    {
        byte sum = 0;
        foreach (char c in packet)
            sum += (byte)c;
        stream.Write(Encoding.ASCII.GetBytes($"${packet}#{sum.ToString("x2", CultureInfo.InvariantCulture)}"));
    }

    private string Receive()
    {
        StringBuilder packet = new();
        while (Next() != '$')
        {
        }
        for (char c = Next(); c != '#'; c = Next())
            packet.Append(c);
        _ = Next();
        _ = Next();
        stream.WriteByte((byte)'+');
        return packet.ToString();
    }

    private char Next()
    {
        int value = stream.ReadByte();
        return value >= 0 ? (char)value : throw new BenchException("QEMU has closed its debugger port.");
    }
}
