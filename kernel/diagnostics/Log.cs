using System;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Diagnostics;

/// <summary>
/// Hv's own log: a ring in memory and, where one was chosen, a serial port or debug port. For booting, faults and rare events;
/// the exit path writes trace records instead. Runs on any processor; output of two at once may mix.
/// </summary>
public static unsafe class Log
{
    /// <summary>16550 line status register (data sheet, 8.4): offset, and the bit that says the transmitter can take a byte.</summary>
    private const ushort LineStatusOffset = 5;
    private const uint TransmitterEmpty = 0x20;
    private const int TransmitAttempts = 100_000;

    /// <summary>Reading the debug port of Bochs and QEMU gives its own number where it exists.</summary>
    private const ushort DebugPort = 0xE9;

    private const int RingBytes = 64 * 1024;

    private static ushort s_serialPort;
    private static bool s_debugPort;
    private static byte* s_ring;
    private static ulong s_written;

    /// <summary>Keeps the last 64 KiB of the log in <paramref name="memory"/>.</summary>
    public static void UseRing(byte* memory) => s_ring = memory;

    /// <summary>Copies the log to the 16550 at I/O port <paramref name="serialPort"/> (0: none), and to the emulators' debug port if present.</summary>
    public static void UsePorts(ushort serialPort)
    {
        s_serialPort = serialPort;
        s_debugPort = Stubs.In8(DebugPort) == DebugPort;
    }

    /// <summary>Writes text.</summary>
    public static void Write(string text)
    {
        for (int i = 0; i < text.Length; i++)
            WriteByte((byte)text[i]);
    }

    /// <summary>Writes text that is bytes.</summary>
    public static void Write(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
            WriteByte(text[i]);
    }

    /// <summary>Writes text and ends the line.</summary>
    public static void Line(string text)
    {
        Write(text);
        EndLine();
    }

    /// <summary>Writes <c>name=0xvalue</c> after <paramref name="text"/> and ends the line.</summary>
    public static void Line(string text, ulong value)
    {
        Write(text);
        Hex(value);
        EndLine();
    }

    /// <summary>Ends the line.</summary>
    public static void EndLine()
    {
        WriteByte((byte)'\r');
        WriteByte((byte)'\n');
    }

    /// <summary>Writes a number in hexadecimal, with no more digits than it needs.</summary>
    public static void Hex(ulong value)
    {
        Write("0x");
        int digits = 1;
        while (digits < 16 && value >> (digits * 4) != 0)
            digits++;
        HexDigits(value, digits);
    }

    /// <summary>Writes the low <paramref name="digits"/> hexadecimal digits of a number.</summary>
    public static void HexDigits(ulong value, int digits)
    {
        ReadOnlySpan<byte> symbols = "0123456789abcdef"u8;
        for (int i = digits - 1; i >= 0; i--)
            WriteByte(symbols[(int)(value >> (i * 4)) & 15]);
    }

    /// <summary>Writes a number in decimal.</summary>
    public static void Decimal(ulong value)
    {
        byte* digits = stackalloc byte[20];
        int count = 0;
        do
        {
            digits[count++] = (byte)('0' + value % 10);
            value /= 10;
        }
        while (value != 0);
        while (count > 0)
            WriteByte(digits[--count]);
    }

    private static void WriteByte(byte value)
    {
        if (s_ring != null)
            s_ring[s_written++ % RingBytes] = value;
        if (s_debugPort)
            Stubs.Out8(DebugPort, value);
        if (s_serialPort == 0)
            return;
        for (int i = 0; i < TransmitAttempts; i++)
        {
            if ((Stubs.In8((uint)(s_serialPort + LineStatusOffset)) & TransmitterEmpty) != 0)
                break;
        }
        Stubs.Out8(s_serialPort, value);
    }
}
