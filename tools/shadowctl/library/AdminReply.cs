namespace Hv.ShadowControl;

/// <summary>The answer to an NVMe admin command.</summary>
/// <param name="Status">Status code type in bits 10:8, status code in bits 7:0; 0 is success.</param>
/// <param name="Result">Dword 0 of the completion.</param>
public readonly record struct AdminReply(ushort Status, uint Result);
