using System;
using System.Collections.Generic;
using Hv.Drivers.Nvme.Virtual;

namespace Hv.HostTests;

/// <summary>Remembers vendor commands, and answers them as the test says.</summary>
public sealed class RecordingVendor : VendorCommands
{
    public Action<VendorCommand>? Answer { get; set; }

    public Action<VendorCommand>? AnswerAdopted { get; set; }

    public List<VendorCommand> Executed { get; } = [];

    public List<VendorCommand> Cancelled { get; } = [];

    public List<VendorCommand> Adopted { get; } = [];

    public override void Execute(VendorCommand command)
    {
        Executed.Add(command);
        Answer?.Invoke(command);
    }

    public override void Cancel(VendorCommand command) => Cancelled.Add(command);

    public override void Adopt(VendorCommand command)
    {
        Adopted.Add(command);
        AnswerAdopted?.Invoke(command);
    }
}
