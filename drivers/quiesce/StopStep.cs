namespace Hv.Drivers.Quiesce;

/// <summary>One step of a <see cref="StopPlan"/>.</summary>
public readonly struct StopStep
{
    /// <summary>What is done.</summary>
    public readonly StopOperation Operation;
    /// <summary>Bytes of the register: 1, 2 or 4.</summary>
    public readonly byte Width;
    /// <summary>The register's offset.</summary>
    public readonly ushort Register;
    /// <summary>Time limit or pause in milliseconds; for <see cref="StopOperation.ChangeEach"/> the distance in bytes; for
    /// <see cref="StopOperation.RequireAsDeviceSays"/> the offset of the byte.</summary>
    public readonly ushort Limit;
    /// <summary>Bits that are cleared or waited for.</summary>
    public readonly uint Mask;
    /// <summary>Bits that are set, what is written, or what the waited-for bits must become.</summary>
    public readonly uint Value;

    private StopStep(StopOperation operation, int register, int width, uint mask, uint value, int limit)
    {
        Operation = operation;
        Register = (ushort)register;
        Width = (byte)width;
        Mask = mask;
        Value = value;
        Limit = (ushort)limit;
    }

    /// <summary>Clears, then sets bits.</summary>
    public static StopStep Change(int register, int width, uint clear, uint set) => new(StopOperation.Change, register, width, clear, set, 0);

    /// <summary>Clears bits of the registers at <paramref name="register"/> and each <paramref name="distance"/> bytes on.</summary>
    public static StopStep ClearEach(int register, int width, uint clear, int distance) => new(StopOperation.ChangeEach, register, width, clear, 0, distance);

    /// <summary>Writes a register.</summary>
    public static StopStep Write(int register, int width, uint value) => new(StopOperation.Write, register, width, 0, value, 0);

    /// <summary>Reads a register and forgets the value.</summary>
    public static StopStep Read(int register, int width) => new(StopOperation.Read, register, width, 0, 0, 0);

    /// <summary>Waits up to <paramref name="milliseconds"/> for bits, and goes on in any case.</summary>
    public static StopStep Await(int register, int width, uint mask, uint value, int milliseconds) => new(StopOperation.Await, register, width, mask, value, milliseconds);

    /// <summary>Waits up to <paramref name="milliseconds"/> for bits, and gives up after that.</summary>
    public static StopStep Require(int register, int width, uint mask, uint value, int milliseconds) => new(StopOperation.Require, register, width, mask, value, milliseconds);

    /// <summary>Waits for bits as long as the byte at <paramref name="limitRegister"/> says, and gives up after that.</summary>
    public static StopStep RequireAsDeviceSays(int register, int width, uint mask, uint value, int limitRegister) =>
        new(StopOperation.RequireAsDeviceSays, register, width, mask, value, limitRegister);

    /// <summary>Leaves the device alone.</summary>
    public static StopStep Pause(int milliseconds) => new(StopOperation.Pause, 0, 0, 0, 0, milliseconds);

    /// <summary>Goes to the registers behind the capability registers.</summary>
    public static StopStep SkipCapabilities() => new(StopOperation.SkipCapabilities, 0, 4, 0, 0, 0);
}
