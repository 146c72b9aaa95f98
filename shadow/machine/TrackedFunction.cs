using Hv.Drivers.Pci;

namespace Hv.Shadow.Machine;

/// <summary>The virtual disk controller's configuration space in a primary: tells the VM when the guest may have moved its registers.</summary>
public sealed class TrackedFunction : PciFunction
{
    private readonly PciFunction _function;
    private readonly GuestVm _vm;

    /// <summary>Stands before <paramref name="function"/>.</summary>
    public TrackedFunction(PciFunction function, GuestVm vm)
    {
        _function = function;
        _vm = vm;
    }

    /// <inheritdoc/>
    public override uint ReadConfig(int offset, int size) => _function.ReadConfig(offset, size);

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, uint value)
    {
        _function.WriteConfig(offset, size, value);
        _vm.PlaceRegisters();
    }
}
