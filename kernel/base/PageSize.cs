namespace Hv.Kernel;

/// <summary>The page sizes of x86-64 (Intel SDM vol. 3A, 4.5; AMD APM vol. 2, 5.3), in bytes.</summary>
public static class PageSize
{
    /// <summary>log2 of a 4 KiB page.</summary>
    public const int SmallShift = 12;
    /// <summary>4 KiB.</summary>
    public const uint Small = 1u << SmallShift;
    /// <summary>log2 of a 2 MiB page.</summary>
    public const int LargeShift = 21;
    /// <summary>2 MiB.</summary>
    public const uint Large = 1u << LargeShift;
    /// <summary>log2 of a 1 GiB page.</summary>
    public const int HugeShift = 30;
    /// <summary>1 GiB.</summary>
    public const uint Huge = 1u << HugeShift;
}
