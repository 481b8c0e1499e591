using Ota.Virtual;

namespace Ota.Server.Tests.Running;

/// <summary>Virtual devices by the thousand on one server, each the real agent on a flash of its own, in the order they were made.</summary>
internal sealed class AVirtualFleet : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-fleet-").FullName;
    private readonly FleetOptions _options;

    public AVirtualFleet(RunningServer server, string enrollmentKey, int count) => _options = new FleetOptions(
        server.Anyone.BaseAddress!, "kettle", enrollmentKey, "virtual", [Vectors.Text("TEST-ONLY-release-key.pub.pem")], _folder, count)
    {
        // One after the other, always in the same order: who began before a stop can be told from outside.
        Parallel = 1,
    };

    /// <summary>Their ids on the server, once they have enrolled.</summary>
    public IReadOnlyList<string> Devices { get; private set; } = [];

    /// <summary>Units on which no image but that of 1.0.0 ever checks in: so many of a hundred, evenly spread over the order.</summary>
    public bool IsBad(int index) => (index + 1) * BadPercent / 100 > index * BadPercent / 100;

    public int BadPercent { get; set; }

    /// <summary>Every device starts, asks once and does all there is to do; what it says of itself afterwards, in order.</summary>
    public async Task<IReadOnlyList<DeviceStatus>> AskAsync()
    {
        await using var fleet = await Fleet.OpenAsync(
            _options with { BadUnits = BadPercent / 100.0, BadUnitsRun = "1.0.0" }, TestContext.Current.CancellationToken);
        var said = await fleet.RunOnceAsync(progress: null, TestContext.Current.CancellationToken);
        Devices = [.. said.Select(device => device.Device!)];
        return said;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
