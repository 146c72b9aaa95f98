using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Hv.Bench;

/// <summary>Types on the keyboard of a machine whose screen is offered by the remote frame buffer protocol (RFC 6143), without a password.</summary>
public sealed class RfbKeyboard : IDisposable
{
    private const int VersionBytes = 12, ServerInitBytes = 24, Return = 0xFF0D;
    private const byte KeyEvent = 4, NoSecurity = 1;
    private const int Timeout = 30_000;

    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = Timeout };

    /// <summary>Connects to the screen at a port of this host.</summary>
    public RfbKeyboard(int port)
    {
        socket.Connect(IPAddress.Loopback, port);
        _ = Read(VersionBytes);
        socket.Send("RFB 003.003\n"u8);
        if (BinaryPrimitives.ReadUInt32BigEndian(Read(4)) != NoSecurity)
            throw new BenchException("The machine's screen wants a password.");
        socket.Send([1]);
        byte[] server = Read(ServerInitBytes);
        _ = Read(BinaryPrimitives.ReadInt32BigEndian(server.AsSpan(ServerInitBytes - 4)));
    }

    /// <summary>Types letters, digits and line ends; no more than eight at once, since a keyboard keeps 16 codes until they are fetched.</summary>
    public void Type(string text)
    {
        foreach (char letter in text)
        {
            foreach (bool down in new[] { true, false })
            {
                byte[] message = [KeyEvent, down ? (byte)1 : (byte)0, 0, 0, 0, 0, 0, 0];
                BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), letter == '\n' ? Return : letter);
                socket.Send(message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private byte[] Read(int count)
    {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count;)
        {
            int read = socket.Receive(bytes, done, count - done, SocketFlags.None);
            done += read > 0 ? read : throw new BenchException("The machine's screen cannot be reached any more.");
        }
        return bytes;
    }
}
