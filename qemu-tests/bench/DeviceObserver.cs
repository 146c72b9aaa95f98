using System.Globalization;
using System.Text;

namespace Hv.Bench;

/// <summary>What QEMU sees of a guest's use of its devices, and what it does for it: keys and movements, pictures of screens, bytes that ports were given, memory of a balloon.</summary>
internal sealed class DeviceObserver(Qmp qmp, IReadOnlyList<PluggedDevice> devices, string folder)
{
    private const int Tolerance = 8;
    private const long Ballooned = 64 << 20;
    private static readonly TimeSpan BetweenEvents = TimeSpan.FromMilliseconds(500), Poll = TimeSpan.FromMilliseconds(100), BalloonTime = TimeSpan.FromSeconds(20);

    // Far apart, so that a picture that has stayed from an earlier look is told from a new one.
    private static readonly uint[] Colours = [0xC0_40_20, 0x20_A0_60, 0x40_60_E0];

    private int looks;

    /// <summary>Has the guest use the devices with <paramref name="check"/>, which gets the colour for the screens, and adds what could be seen from outside.</summary>
    public IReadOnlyList<DeviceState> Look(Func<string, IReadOnlyList<DeviceState>> check)
    {
        uint colour = Colours[looks++ % Colours.Length];
        Dictionary<PluggedDevice, long> written = devices.ToDictionary(device => device, device => device.PortBytes);
        IReadOnlyList<DeviceState> states = WithInput(() => check(colour.ToString("x6", CultureInfo.InvariantCulture)));
        return [.. states.Select(state => devices.FirstOrDefault(device => device.Address == state.Address) is { } device ? Complete(state, device, colour, written[device]) : state)];
    }

    private IReadOnlyList<DeviceState> WithInput(Func<IReadOnlyList<DeviceState>> check)
    {
        using CancellationTokenSource end = new();
        bool hasTablet = devices.Any(device => device.Model.Device.Contains("tablet", StringComparison.Ordinal));
        Task sending = Task.Run(() =>
        {
            for (int place = 1; !end.Token.WaitHandle.WaitOne(BetweenEvents); place = place % 1000 + 1)
                qmp.SendInput(place, hasTablet);
        });
        try
        {
            return check();
        }
        finally
        {
            end.Cancel();
            sending.Wait();
        }
    }

    private DeviceState Complete(DeviceState state, PluggedDevice device, uint colour, long written) => device.Model.Kind switch
    {
        "display" when !Shows(device, colour) => Fail(state, "display", "not-shown"),
        "port" when device.PortBytes == written => Fail(state, "port", "nothing-arrived"),
        DeviceModels.BalloonKind when state.Driver.Length > 0 => state with { Uses = [.. state.Uses, new DeviceUse(DeviceModels.BalloonKind, "memory", "", UseBalloon())] },
        _ => state,
    };

    private static DeviceState Fail(DeviceState state, string kind, string result) =>
        state with { Uses = [.. state.Uses.Select(use => use.Kind == kind && use.Result == "ok" ? use with { Result = result } : use)] };

    private bool Shows(PluggedDevice device, uint colour)
    {
        string path = Path.Combine(folder, $"{device.Id}-{looks}.ppm");
        qmp.Screendump(path, device.Id);
        byte[] picture = File.ReadAllBytes(path);
        // "P6", width, height and 255, each with one white space behind it, then three bytes for each pixel.
        string[] header = Encoding.ASCII.GetString(picture, 0, Math.Min(picture.Length, 32)).Split((char[])[' ', '\n'], 5);
        int width = int.Parse(header[1], CultureInfo.InvariantCulture), height = int.Parse(header[2], CultureInfo.InvariantCulture);
        int middle = picture.Length - 3 * width * height + 3 * (height / 2 * width + width / 2);
        return Enumerable.Range(0, 3).All(i => Math.Abs(picture[middle + i] - (int)(colour >> 8 * (2 - i) & 0xFF)) <= Tolerance);
    }

    private string UseBalloon()
    {
        long all = qmp.Balloon;
        return Reaches(all - Ballooned) ? Reaches(all) ? "ok" : "does-not-take-back" : "does-not-give";
    }

    private bool Reaches(long bytes)
    {
        qmp.Balloon = bytes;
        for (DateTime end = DateTime.UtcNow + BalloonTime; DateTime.UtcNow < end; Thread.Sleep(Poll))
            if (qmp.Balloon == bytes)
                return true;
        return false;
    }
}
