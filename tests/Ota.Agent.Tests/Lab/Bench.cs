using Ota.Virtual;

namespace Ota.Agent.Tests.Lab;

/// <summary>
/// One virtual device on a bench, wired to a server over real HTTP; time passes only when the bench lets it.
/// </summary>
internal sealed class Bench : IAsyncDisposable
{
    public const string HardwareId = "02:00:00:00:00:01";
    public const int SlotCapacity = 64 * 1024;

    private static MemoryFlashStore? _running;
    private readonly HttpMessageInvoker _client = NetworkHttp.CreateClient();

    private Bench(ProtocolServer server, MemoryFlashStore store)
    {
        Server = server;
        Store = store;
        Http = new NetworkHttp(_client);
        Device = Make(store);
    }

    public ProtocolServer Server { get; }

    public MemoryFlashStore Store { get; }

    public NetworkHttp Http { get; }

    public VirtualDevice Device { get; private set; }

    public string Running => Device.Agent?.Running?.Version ?? "0.0.0";

    /// <summary>A device as it leaves the factory: keys, one network, empty slots.</summary>
    public static async Task<Bench> NewDeviceAsync(ProtocolServer? server = null)
    {
        var store = new MemoryFlashStore(FlashLayout.SizeFor(SlotCapacity));
        var bench = new Bench(server ?? await ProtocolServer.StartAsync(), store);
        bench.Device.Manufacture([Vectors.Modulus(Vectors.ReleaseKey)], keyCounter: 0);
        return bench;
    }

    /// <summary>
    /// A device that runs 1.0.0 with security counter 1, confirmed; installed once over the wire and cloned since.
    /// </summary>
    public static async Task<Bench> RunningAsync()
    {
        if (_running is null)
        {
            await using var first = await NewDeviceAsync();
            first.Server.Deploy("install", Lab.Build.Of("1.0.0"));
            first.RunUntilSettled();
            Assert.Equal("1.0.0", first.Running);
            _running = first.Store.Clone();
        }

        var bench = new Bench(await ProtocolServer.StartAsync(), _running.Clone());
        bench.Device.Step();
        Assert.Equal("1.0.0", bench.Running);
        return bench;
    }

    /// <summary>The same device with another copy of its flash, off.</summary>
    public VirtualDevice Make(FlashStore store) => new(
        new AgentOptions
        {
            Server = Server.Address.AbsoluteUri.TrimEnd('/'),
            Product = "thermostat",
            Hardware = "virtual",
            HardwareId = HardwareId,
            EnrollmentKey = Vectors.Secret("enrollmentKey"),
        },
        new SimulatedFlash(store),
        SlotCapacity,
        Http,
        seed: 1,
        badUnit: false);

    /// <summary>Takes the device off and puts another one on the bench.</summary>
    public void Replace(VirtualDevice device) => Device = device;

    /// <summary>Lets it act until nothing is left to do; fails when that never comes.</summary>
    public void RunUntilSettled()
    {
        for (var turns = 0; turns < 200; turns++)
        {
            var wait = Device.Step();
            if (Device.Settled)
                return;
            Device.Clock.Advance(wait);
        }

        Assert.Fail("The device never settled.");
    }

    /// <summary>Lets it act until it has asked once more; a call that got lost on the way is made again.</summary>
    public void RunUntilAsked()
    {
        var asked = Server.CheckIns.Count;
        for (var turns = 0; turns < 10; turns++)
        {
            Run(1);
            if (Server.CheckIns.Count > asked)
                return;
        }

        Assert.Fail("The device never asked.");
    }

    /// <summary>Lets it act a number of times, each after the wait it asked for.</summary>
    public void Run(int turns)
    {
        for (; turns > 0; turns--)
            Device.Clock.Advance(Device.Step());
    }

    /// <summary>The details of what it refused, oldest first.</summary>
    public IEnumerable<string?> Refusals() => Server.Reports.Where(r => r.State == "refused").Select(r => r.Detail);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Server.DisposeAsync();
    }
}
