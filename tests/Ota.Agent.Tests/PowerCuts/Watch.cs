using System.Text;
using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.PowerCuts;

/// <summary>
/// Looks at a device after every step and every cut, at what its flash says rather than at what its agent believes, and
/// says what must never have happened.
/// </summary>
internal sealed class Watch
{
    private readonly Scenario _scenario;
    private readonly VirtualDevice _device;
    private readonly ProtocolDesk _desk;
    private readonly IReadOnlyList<Deployment> _orders;
    private readonly HashSet<string> _mayRun;
    private Kept _last;
    private int _clearings;

    public Watch(Scenario scenario, VirtualDevice device, ProtocolDesk desk, IReadOnlyList<Deployment> orders)
    {
        _scenario = scenario;
        _device = device;
        _desk = desk;
        _orders = orders;
        _mayRun = [.. scenario.MayRun.Select(build => build is null ? "" : ProtocolDesk.Sha256Of(build.Image))];
        _last = Kept.Read(device.Records);
    }

    /// <summary>What went wrong since the last look, or null.</summary>
    public string? Look()
    {
        var now = Kept.Read(_device.Records);
        var fault = FaultIn(now);
        _last = now;
        return fault ?? FaultInRunning();
    }

    /// <summary>What is not as it should be now that the device says it has nothing left to do, or null.</summary>
    public string? LookAtTheEnd()
    {
        var running = _device.Agent!.Running;
        var end = _desk.Reports.Count == 0 ? "" : _desk.Reports[^1].State;
        return running?.Sha256 != ProtocolDesk.Sha256Of(_scenario.EndsWith.Image) ? $"ends running {running?.Version}"
            : _device.Agent.OnTrial ? "ends on trial"
            : _last.Floor != _scenario.Floor ? $"ends with the floor at {_last.Floor}"
            : _clearings != _scenario.Clearings ? $"cleared {_clearings} times"
            : _last.Phase != RecoveryPhase.None ? $"ends {_last.Phase}"
            : _orders.FirstOrDefault(order => !order.Over) is { } open ? $"{open.Action} {open.Id} never ended"
            : _scenario.Rotates != (_last.KeyCounter > 0) ? $"ends with keys of counter {_last.KeyCounter}"
            : _scenario.Ending is not null && end != _scenario.Ending ? $"ends with the report '{end}'"
            : _scenario.IsProvisioned && _last.Owner != "next owner" ? $"ends belonging to '{_last.Owner}'"
            : _scenario.Clearings > 0 && Holds("virtual-password") ? "the old password is still in the flash"
            : null;
    }

    private string? FaultIn(Kept now) =>
        now.Keys.Length == 0 ? "trusts no key any more"
        : now.KeyCounter < _last.KeyCounter ? "trusts an older set of keys again"
        : now.KeyCounter == _last.KeyCounter && !now.Keys.SequenceEqual(_last.Keys) ? "trusts other keys"
        : now.Floor < _last.Floor ? $"the floor fell from {_last.Floor} to {now.Floor}"
        : now.HighestOrder < _last.HighestOrder ? $"order {_last.HighestOrder} is unspent again"
        : _last.Networks > 0 && now.Networks == 0 ? FaultInClearing(now)
        : null;

    private string? FaultInClearing(Kept now)
    {
        _clearings++;
        var spent = _orders.Count(order =>
            order is { Action: "recover" or "decommission", Number: > 0 } && order.Number <= now.HighestOrder);
        return _clearings > spent ? $"cleared {_clearings} times with {spent} orders spent" : null;
    }

    private string? FaultInRunning()
    {
        if (_device.RecoveryRuns > _scenario.RecoveryRuns)
            return $"the recovery image was started {_device.RecoveryRuns} times";
        if (_device.Agent is not { } agent)
            return null;
        return !_mayRun.Contains(agent.Running?.Sha256 ?? "") ? $"runs {agent.Running?.Version ?? "nothing"}"
            : agent.Running is not null && _device.BootedSha256 != agent.Running.Sha256 ? "runs bytes that nobody signed"
            : null;
    }

    private bool Holds(string secret)
    {
        var all = new byte[FlashLayout.SizeFor(Scenario.SlotCapacity)];
        _device.Flash.Read(0, all);
        return all.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) >= 0;
    }

    /// <summary>What the records in the flash say.</summary>
    private sealed record Kept(
        int Floor, long HighestOrder, RecoveryPhase Phase, int KeyCounter, byte[] Keys, int Networks, string Owner)
    {
        public static Kept Read(IRecords records)
        {
            var state = new DeviceState(new RecordPair(records, RecordKind.State));
            var networks = new Networks(new RecordPair(records, RecordKind.Networks));
            var keys = new RecordPair(records, RecordKind.Keys).Read() ?? [];
            return new Kept(
                state.Floor,
                state.HighestOrder,
                state.Phase,
                keys.Length < 4 ? -1 : BitConverter.ToInt32(keys),
                keys,
                networks.Count,
                networks.Owner);
        }
    }
}
