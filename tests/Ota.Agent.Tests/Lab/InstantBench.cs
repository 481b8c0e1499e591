using Ota.Agent.Tests.PowerCuts;
using Ota.Virtual;

namespace Ota.Agent.Tests.Lab;

/// <summary>What is to become of the answer to a call; it may wait on the device's own clock.</summary>
internal delegate IHttpAnswer Wire(HttpCall call, IHttp network, VirtualClock clock);

/// <summary>
/// A device that runs 1.0.0, confirmed, over a network that a test bends as it likes; all of it in memory, so that
/// hours of bad weather pass in milliseconds.
/// </summary>
internal sealed class InstantBench
{
    public InstantBench()
    {
        Device = new VirtualDevice(
            Scenario.Unit,
            new SimulatedFlash(Scenario.Named("update").Start.Clone()),
            Scenario.SlotCapacity,
            new BentHttp(this, new InstantHttp(Desk)),
            seed: 1,
            badUnit: false);
    }

    public ProtocolDesk Desk { get; } = new();

    public VirtualDevice Device { get; }

    /// <summary>The calls made so far, as <c>GET /path from</c>.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>When set, every call goes through it.</summary>
    public Wire? Wire { get; set; }

    public string Running => Device.Agent?.Running?.Version ?? "0.0.0";

    public IEnumerable<string?> Refusals => Desk.Reports.Where(r => r.State == "refused").Select(r => r.Detail);

    /// <summary>Lets it act for so many seconds of its own time.</summary>
    public void Run(long seconds)
    {
        for (var end = Device.Clock.Elapsed + seconds; Device.Clock.Elapsed < end;)
            Device.Clock.Advance(Device.Step());
    }

    public void RunUntilSettled()
    {
        for (var turns = 0; turns < 500; turns++)
        {
            var wait = Device.Step();
            if (Device.Settled)
                return;
            Device.Clock.Advance(wait);
        }

        Assert.Fail("The device never settled.");
    }

    private sealed class BentHttp(InstantBench bench, IHttp network) : IHttp
    {
        public IHttpAnswer Send(HttpCall call)
        {
            if (!Uri.TryCreate(call.Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp)
                throw new HttpFaultException("no address");
            bench.Calls.Add($"{call.Method} {url.AbsolutePath} {call.From}");
            return bench.Wire is { } wire ? wire(call, network, bench.Device.Clock) : network.Send(call);
        }
    }
}

/// <summary>An answer that is not what the server sent.</summary>
/// <param name="inner">What the server sent.</param>
internal class BentAnswer(IHttpAnswer inner) : IHttpAnswer
{
    public virtual int Status => inner.Status;

    public virtual string? Header(string name) => inner.Header(name);

    public virtual int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public void Dispose() => inner.Dispose();
}
