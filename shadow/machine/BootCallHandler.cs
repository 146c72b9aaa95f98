namespace Hv.Shadow.Machine;

/// <summary>Carries out the loader's hypercalls. Implemented by the boot layer.</summary>
public abstract class BootCallHandler
{
    /// <summary>Carries out a call that came from ring 0 of <paramref name="vm"/>. False: no such call.</summary>
    public abstract bool Handle(GuestVm vm, ulong number, ulong first, ulong second, ulong third, out ulong result);
}
