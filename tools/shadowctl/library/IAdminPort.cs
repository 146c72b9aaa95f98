using System;

namespace Hv.ShadowControl;

/// <summary>A way to send admin commands to the virtual NVMe controller.</summary>
public interface IAdminPort : IDisposable
{
    /// <summary>Sends a command whose data, if any, has a length in whole dwords, and waits for its completion.</summary>
    /// <exception cref="ControlException">The command could not be sent.</exception>
    AdminReply Send(AdminCommand command, Span<byte> data);
}
