using System.IO;

namespace Hv.ShadowControl;

/// <summary>The folder of units that come before all others, which a generator writes to (systemd.generator(7)).</summary>
public sealed class GeneratedUnits(string folder)
{
    /// <summary>Writes a unit, or another file below the folder.</summary>
    public void Write(string name, string text)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Has <paramref name="other"/> want a unit that is here or elsewhere.</summary>
    public void Want(string other, string unit) => Link($"{other}.wants/{unit}", "/etc/systemd/system/" + unit);

    /// <summary>Takes a unit out of what <paramref name="other"/> wants or requires, whoever has said so.</summary>
    public void Forget(string other, string unit)
    {
        Link($"{other}.wants/{unit}", "/dev/null");
        Link($"{other}.requires/{unit}", "/dev/null");
    }

    private void Link(string name, string target)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, target);
    }
}
