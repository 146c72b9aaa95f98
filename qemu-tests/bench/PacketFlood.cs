using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Hv.Bench;

/// <summary>Sends numbered Ethernet frames to a network card of a machine, through a "socket" back-end of QEMU, until it is disposed.</summary>
public sealed class PacketFlood : IDisposable
{
    private const int FrameBytes = 1000, HeaderBytes = 14, PacketsPerBurst = 3;
    private const ushort LocalExperimental = 0x88B5;
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(10), EndTime = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource stop = new();
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly int port;
    private Task? task;
    private long sent;

    /// <summary>Chooses ports; nothing is sent before <see cref="Start"/>.</summary>
    public PacketFlood()
    {
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket free = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        port = ((IPEndPoint)free.LocalEndPoint!).Port;
    }

    /// <summary>What each frame's data begins with; the frame's number follows, 8 bytes, the lowest first.</summary>
    public static ReadOnlySpan<byte> Signature => "HvPacketFlood-01"u8;

    /// <summary>The value of QEMU's option -netdev but for the identifier.</summary>
    public string Backend => $"socket,udp=127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port},localaddr=127.0.0.1:{port}";

    /// <summary>How many frames have been sent; the last one has this number.</summary>
    public long Sent => Interlocked.Read(ref sent);

    /// <summary>Begins to send, some 300 frames in a second.</summary>
    public void Start() => task = Task.Run(Send);

    /// <summary>Ends it.</summary>
    public void Stop()
    {
        stop.Cancel();
        task?.Wait(EndTime);
    }

    /// <summary>The highest number of a frame of which the beginning is in <paramref name="memory"/>; 0 if there is none.</summary>
    public static long FindLast(ReadOnlySpan<byte> memory)
    {
        long last = 0;
        for (int at = memory.IndexOf(Signature); at >= 0;)
        {
            ReadOnlySpan<byte> rest = memory[(at + Signature.Length)..];
            if (rest.Length >= sizeof(long))
                last = Math.Max(last, BinaryPrimitives.ReadInt64LittleEndian(rest));
            int next = rest.IndexOf(Signature);
            at = next < 0 ? -1 : at + Signature.Length + next;
        }
        return last;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        socket.Dispose();
        stop.Dispose();
    }

    private void Send()
    {
        byte[] frame = new byte[FrameBytes];
        frame.AsSpan(0, 6).Fill(0xFF);
        frame[6] = 0x02;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), LocalExperimental);
        Signature.CopyTo(frame.AsSpan(HeaderBytes));
        IPEndPoint machine = new(IPAddress.Loopback, port);
        while (!stop.IsCancellationRequested)
        {
            for (int i = 0; i < PacketsPerBurst; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(HeaderBytes + Signature.Length), sent + 1);
                try
                {
                    socket.SendTo(frame, machine);
                }
                catch (SocketException)
                {
                    // The machine is not there yet, or not any more.
                }
                Interlocked.Increment(ref sent);
            }
            Thread.Sleep(Burst);
        }
    }
}
