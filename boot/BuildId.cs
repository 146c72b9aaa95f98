namespace Hv.Boot;

/// <summary>What this build of Hv is called.</summary>
internal static partial class BuildId
{
    /// <summary>As ASCII. Allocates: while booting only.</summary>
    public static byte[] Bytes()
    {
        byte[] bytes = new byte[Text.Length];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)Text[i];
        return bytes;
    }
}
