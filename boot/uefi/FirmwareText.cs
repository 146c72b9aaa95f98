namespace Hv.Boot.Uefi;

/// <summary>Text as the firmware wants it.</summary>
internal static unsafe class FirmwareText
{
    /// <summary>Copies the characters of a text, without a terminator.</summary>
    public static void AsCharacters(this string text, char* to)
    {
        for (int i = 0; i < text.Length; i++)
            to[i] = text[i];
    }
}
