using System.Security.Cryptography;

namespace Hv.Bench;

/// <summary>A device of a machine under test: how QEMU is told of it, and what was found out about it.</summary>
public sealed class PluggedDevice
{
    // Devices on the root bus get fixed places, one slot each, behind those that QEMU gives to the machine's own; the number also names the
    // device's network, so it begins above slirp's usual ones.
    private const int FirstNumber = 10, CheckedBytes = 1 << 20;

    private readonly string? image;
    private readonly string port;

    /// <summary>Number <paramref name="index"/> of the machine whose files are in <paramref name="folder"/>.</summary>
    public PluggedDevice(DeviceModel model, int index, string folder)
    {
        Model = model;
        Number = FirstNumber + index;
        image = model.NeedsImage ? Path.Combine(folder, $"{Id}.img") : null;
        port = Path.Combine(folder, $"{Id}.port");
    }

    /// <summary>The model.</summary>
    public DeviceModel Model { get; }

    /// <summary>A number of its own.</summary>
    public int Number { get; }

    /// <summary>Its identifier in QEMU.</summary>
    public string Id => $"dev{Number}";

    /// <summary>Its PCI address as the guest writes it (0000:00:04.0), once the machine runs.</summary>
    public string Address { get; set; } = "";

    /// <summary>How it was in the normally booted system.</summary>
    public DeviceState? Before { get; set; }

    /// <summary>How it was after each switch that was followed by a look.</summary>
    public List<DeviceState?> After { get; } = [];

    /// <summary>How it was silenced at the last switch, as Hv says.</summary>
    public DeviceQuiet? Quiet { get; set; }

    /// <summary>What the first MiB of its disk must add up to; null if it has none.</summary>
    public string? DiskSum { get; private set; }

    /// <summary>How many bytes the guest has written to the device's port.</summary>
    public long PortBytes => File.Exists(port) ? new FileInfo(port).Length : 0;

    /// <summary>Makes what the device needs on the host.</summary>
    public void Prepare()
    {
        if (image is null)
            return;
        byte[] content = new byte[DeviceModels.ImageBytes];
        new Random(Number).NextBytes(content.AsSpan(0, CheckedBytes));
        File.WriteAllBytes(image, content);
        DiskSum = Convert.ToHexStringLower(MD5.HashData(content.AsSpan(0, CheckedBytes)));
    }

    /// <summary>The arguments for QEMU. <paramref name="bus"/> is where it goes.</summary>
    public IEnumerable<string> Arguments(string bus)
    {
        string properties = Model.Properties.Length > 0 ? "," + Fill(Model.Properties) : "";
        return [.. Model.Before.Select(Fill), "-device", $"{Model.Device},id={Id},bus={bus}{properties}", .. Model.Attached.Select(Fill)];
    }

    /// <summary>What is wrong with the device; null if nothing is. Before a switch and after one the same must be so.</summary>
    public string? Problem(DeviceState? state)
    {
        if (state is null)
            return "the guest does not see it";
        if (Model.Driver.Length > 0 && state.Driver != Model.Driver)
            return state.Driver.Length == 0 ? $"no driver ({Model.Driver} expected)" : $"driver {state.Driver} instead of {Model.Driver}";
        if (Model.Kind.Length == 0)
            return null;
        DeviceUse[] uses = [.. state.Uses.Where(use => use.Kind == Model.Kind)];
        if (uses.Length == 0)
            return $"no {Model.Kind} device";
        if (uses.FirstOrDefault(use => use.Result != "ok") is { } bad)
            return $"{bad.Name}: {bad.Result}";
        return Model.Kind == DeviceModels.BlockKind && uses.All(use => use.Facts != DiskSum) ? "its disk reads wrong" : null;
    }

    private string Fill(string text) => text.Replace("{id}", Id).Replace("{n}", $"{Number}").Replace("{image}", image).Replace("{port}", port);
}
