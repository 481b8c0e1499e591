using System.Text;
using Ota.Agent;
using Ota.Virtual;

namespace Ota.Server.Tests.Running;

/// <summary>What the network does to one call of a unit.</summary>
internal enum Weather
{
    Fair,

    /// <summary>It never arrives.</summary>
    Lost,

    /// <summary>It is carried out, and the answer is lost.</summary>
    Unanswered,
}

/// <summary>The real agent on simulated hardware, wired to the real server; a unit as it stands in somebody's kitchen.</summary>
internal sealed class AUnit : IDisposable
{
    public const string HardwareId = "02:00:00:00:00:77";

    private const int SlotCapacity = 64 * 1024;
    private readonly HttpMessageInvoker _client = NetworkHttp.CreateClient();
    private readonly Wire _wire;

    /// <summary>As it leaves the factory, with its first owner's network.</summary>
    public AUnit(RunningServer server, string enrollmentKey, string hardwareId = HardwareId)
        : this(() => server.Anyone.BaseAddress!, enrollmentKey, hardwareId)
    {
    }

    /// <param name="server">Where the server is at this moment.</param>
    public AUnit(Func<Uri> server, string enrollmentKey, string hardwareId = HardwareId)
    {
        _wire = new Wire(server, new NetworkHttp(_client));
        var store = new MemoryFlashStore(FlashLayout.SizeFor(SlotCapacity));
        Device = new VirtualDevice(
            new AgentOptions
            {
                Server = "http://server",
                Product = "kettle",
                Hardware = "virtual",
                HardwareId = hardwareId,
                EnrollmentKey = enrollmentKey,
            },
            new SimulatedFlash(store),
            SlotCapacity,
            _wire,
            seed: 1,
            badUnit: false);
        Device.Manufacture([RunningServer.ReleaseKey.ExportParameters(includePrivateParameters: false).Modulus!], keyCounter: 0);
    }

    public VirtualDevice Device { get; }

    /// <summary>Calls so far.</summary>
    public int Calls => _wire.Calls;

    public string Owner => Device.Agent!.Networks.Owner;

    public string Running => Device.Agent?.Running?.Version ?? "0.0.0";

    /// <summary>Decides what becomes of the call with this number, counted from 1; may do something to the server first.</summary>
    public Func<int, Task<Weather>> OnCall { get; set; } = _ => Task.FromResult(Weather.Fair);

    /// <summary>When set, every check-in gets this answer instead of the server's.</summary>
    public (int Status, byte[] Body)? Forged { get => _wire.Forged; set => _wire.Forged = value; }

    /// <summary>The last answer to a check-in that held an order.</summary>
    public byte[]? LastOrder => _wire.LastOrder;

    /// <summary>Somebody opens the access point's page and gives it another network.</summary>
    public void Provision(string ssid, string owner)
    {
        Device.Radio.InReach[ssid] = "a password";
        Device.Radio.InReach.Remove(VirtualDevice.HomeSsid);
        Device.Radio.Owner = new Provisioned { Network = new Network { Ssid = ssid, Password = "a password" }, Owner = owner };
    }

    /// <summary>Lives on its own time until nothing is left to do, or for so many turns.</summary>
    public void Live(int turns = 60)
    {
        _wire.OnCall = OnCall;
        for (; turns > 0; turns--)
        {
            var wait = Device.Step();
            if (Device.Settled)
                return;
            Device.Clock.Advance(wait);
        }
    }

    public void Dispose() => _client.Dispose();

    private sealed class Wire(Func<Uri> server, NetworkHttp network) : IHttp
    {
        public int Calls { get; private set; }

        public Func<int, Task<Weather>> OnCall { get; set; } = _ => Task.FromResult(Weather.Fair);

        public (int Status, byte[] Body)? Forged { get; set; }

        public byte[]? LastOrder { get; private set; }

        public IHttpAnswer Send(HttpCall call)
        {
            var weather = OnCall(++Calls).GetAwaiter().GetResult();
            if (weather == Weather.Lost)
                throw new HttpFaultException("no route");
            if (Forged is { } forged && call.Url.EndsWith("/check-in", StringComparison.Ordinal))
                return new Kept(forged.Status, forged.Body, name => name switch
                {
                    "Retry-After" => "3600",
                    "Date" => DateTimeOffset.UtcNow.ToString("R", null),
                    _ => null,
                });

            // The server's port changes when it starts anew; a unit knows it by name.
            call.Url = call.Url.Replace("http://server", server().ToString().TrimEnd('/'), StringComparison.Ordinal);
            var answer = network.Send(call);
            if (!call.Url.EndsWith("/check-in", StringComparison.Ordinal) && weather == Weather.Fair)
                return answer;
            using (answer)
            {
                var kept = new Kept(answer.Status, BodyOf(answer), answer.Header);
                if (kept.Status is 200 or 410 && Encoding.UTF8.GetString(kept.Body).Contains("\"order\"", StringComparison.Ordinal))
                    LastOrder = kept.Body;
                return weather == Weather.Fair ? kept : throw new HttpFaultException("the answer is lost");
            }
        }

        private static byte[] BodyOf(IHttpAnswer answer)
        {
            using var body = new MemoryStream();
            var buffer = new byte[8192];
            for (int read; (read = answer.Read(buffer, 0, buffer.Length)) > 0;)
                body.Write(buffer, 0, read);
            return body.ToArray();
        }
    }

    private sealed class Kept : IHttpAnswer
    {
        private readonly Dictionary<string, string?> _headers = [];
        private int _read;

        public Kept(int status, byte[] body, Func<string, string?> header)
        {
            (Status, Body) = (status, body);
            foreach (var name in (string[])["Retry-After", "Date", "Content-Type"])
                _headers[name] = header(name);
        }

        public int Status { get; }

        public byte[] Body { get; }

        public string? Header(string name) => _headers.GetValueOrDefault(name);

        public int Read(byte[] buffer, int offset, int count)
        {
            count = Math.Min(count, Body.Length - _read);
            Body.AsSpan(_read, count).CopyTo(buffer.AsSpan(offset));
            _read += count;
            return count;
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
