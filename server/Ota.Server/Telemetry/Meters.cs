using System.Diagnostics.Metrics;

namespace Ota.Server.Telemetry;

/// <summary>What the server counts, under the name <see cref="Name"/>; docs/operations.md lists it. No label names a device.</summary>
internal sealed class Meters : IDisposable
{
    public const string Name = "Ota.Server";

    private readonly Meter _meter;
    private readonly Counter<long> _checkIns;
    private readonly Counter<long> _deployments;
    private readonly Counter<long> _alerts;
    private readonly Counter<long> _limited;

    public Meters(IMeterFactory factory)
    {
        _meter = factory.Create(Name);
        _checkIns = _meter.CreateCounter<long>("ota.check_ins", "{check-in}", "Check-ins that were answered, by result.");
        _deployments = _meter.CreateCounter<long>("ota.deployments", "{deployment}", "Deployments that ended, by state.");
        _alerts = _meter.CreateCounter<long>("ota.alerts", "{alert}", "Alerts that opened or closed, by kind.");
        _limited = _meter.CreateCounter<long>("ota.limited", "{call}", "Calls that were refused as there were too many, by kind.");
    }

    /// <param name="result"><c>held</c> from memory, <c>decided</c> to be nothing, or <c>offered</c> an order.</param>
    public void CheckIn(string result) => _checkIns.Add(1, new KeyValuePair<string, object?>("result", result));

    /// <param name="state">As staff see it: <c>confirmed</c>, <c>reverted</c>, …</param>
    public void Deployment(string state) => _deployments.Add(1, new KeyValuePair<string, object?>("state", state));

    /// <param name="change"><c>opened</c> or <c>closed</c>.</param>
    public void Alert(string kind, string change) =>
        _alerts.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("change", change));

    /// <param name="kind"><c>device</c>, <c>pins</c>, <c>key</c>, <c>address</c>, <c>sign-in</c> or <c>adoption</c>.</param>
    public void Limited(string kind) => _limited.Add(1, new KeyValuePair<string, object?>("kind", kind));

    /// <summary>A number that is looked up when somebody asks for it.</summary>
    public void Watch(string name, string unit, string description, Func<long> look) =>
        _meter.CreateObservableGauge(name, look, unit, description);

    /// <summary>How much waits to be written or sent, by queue.</summary>
    public void WatchQueues(IReadOnlyDictionary<string, Func<long>> queues) => _meter.CreateObservableGauge(
        "ota.queue.depth",
        () => queues.Select(queue => new Measurement<long>(queue.Value(), new KeyValuePair<string, object?>("queue", queue.Key))),
        "{entry}",
        "What waits to be written or sent, by queue.");

    public void Dispose() => _meter.Dispose();
}
