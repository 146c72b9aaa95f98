namespace Hv.ShadowControl;

/// <summary>The parts of an NVMe admin command that the control channel uses.</summary>
/// <param name="Opcode">The opcode.</param>
/// <param name="Dword12">Dword 12.</param>
/// <param name="Dword13">Dword 13.</param>
/// <param name="Dword14">Dword 14.</param>
public readonly record struct AdminCommand(byte Opcode, uint Dword12 = 0, uint Dword13 = 0, uint Dword14 = 0);
