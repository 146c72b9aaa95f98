namespace Hv.Kernel;

/// <summary>A value, or the <see cref="Hv.Kernel.Status"/> that says why there is none.</summary>
public readonly struct Result<T>
{
    /// <summary>The value; meaningful only if <see cref="IsOk"/>.</summary>
    public readonly T Value;

    /// <summary><see cref="Status.Ok"/>, or the reason why there is no value.</summary>
    public readonly Status Status;

    private Result(T value, Status status)
    {
        Value = value;
        Status = status;
    }

    /// <summary>Whether <see cref="Value"/> may be used.</summary>
    public bool IsOk => Status == Status.Ok;

    /// <summary>A successful result.</summary>
    public static implicit operator Result<T>(T value) => new(value, Status.Ok);

    /// <summary>A failure; <paramref name="status"/> must not be <see cref="Status.Ok"/>.</summary>
    public static implicit operator Result<T>(Status status) => new(default!, status);
}
