using System.Data.Common;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Recovery;
using Ota.Server.Rollouts;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>
/// What one check-in changes, gathered first, then written in one transaction, then applied to memory: whatever fails in between changes nothing.
/// </summary>
internal sealed class Draft(Device device, CheckIn checkIn, DateTimeOffset now)
{
    private readonly List<Deployment> _ended = [];
    private readonly List<(string Kind, string Text)> _news = [.. CheckInPolicy.News(device.Heard?.CheckIn, checkIn)];
    // Its row is not there yet, and so it has no id.
    private Rollout? _begins;
    private readonly Ran? _before = Ran.Before(device.Before, device.Heard?.CheckIn, checkIn);
    private long _orderNumber = device.OrderNumber;
    private long _instruction = device.Instruction;
    private long _instructionBefore = device.Instruction;
    private string _state = device.State;
    private long? _fresh;
    private Func<Order>? _handOut;
    private bool _isShutOut = device.ShutOut;
    private bool _reopens;

    public Device Device => device;

    public CheckIn CheckIn => checkIn;

    public DateTimeOffset Now => now;

    /// <summary>True when a download waits for a better hour.</summary>
    public bool IsDeferred { get; private set; }

    /// <summary>True when it is only said what it would be handed.</summary>
    public bool IsLooking => checkIn.IsLooking || _ended.Exists(ended => ended.Id == checkIn.Shown && ended.State.IsCalledOff());

    /// <summary>True when an order goes out with the answer.</summary>
    public bool HandsOut => _handOut is not null;

    /// <summary>True when it is given nothing, as its client checks less than its product wants; a change is news.</summary>
    public bool IsShutOut
    {
        get => _isShutOut;
        set
        {
            if (value != device.ShutOut)
            {
                _news.Add(value
                    ? ("shut-out", $"Is given no updates: its client checks too little ({ProtectionWords.Of(device.Client!.Protection)})")
                    : ("let-in", "Is given updates again"));
            }

            _isShutOut = value;
        }
    }

    /// <summary>The open deployment as this check-in leaves it.</summary>
    public Deployment? Open { get; private set; } = device.Open;

    /// <summary>Number of the latest deployment or rollout it was given, as this check-in leaves it.</summary>
    public long Instruction => _instruction;

    /// <summary>The rollout whose step this check-in confirms.</summary>
    public long? Stepped { get; private set; }

    /// <summary>How many devices a rollout by numbers has let in, as the database said; null when it was not asked.</summary>
    public (long Rollout, long Begun)? Learned { get; private set; }

    /// <summary>The deployments that this check-in ends.</summary>
    public IReadOnlyList<Deployment> Ended => _ended;

    /// <summary>The rollouts it was held against; null when it was busy with something else and is to be looked at again.</summary>
    public object? Considered { get; set; }

    /// <summary>Takes from the check-in what it proves about the open deployment.</summary>
    public void Observe()
    {
        var seen = Open is null ? null : Seen(Open);

        // A server restored from a backup learns here what it has forgotten that it said.
        _orderNumber = Math.Max(_orderNumber, checkIn.LastOrder);
        if (seen is null)
            return;
        if (seen.State.IsOver())
            End(seen.State, seen.Detail);
        else
            Move(Open! with { State = seen.State, Detail = seen.Detail });
    }

    /// <summary>Gives the device a deployment of a rollout; what was open before and not begun is superseded.</summary>
    public void Begin(Rollout rollout, string release, DeploymentPurpose purpose)
    {
        _instructionBefore = _instruction;
        Supersede(rollout.Id);
        _begins = rollout;
        Move(new Deployment(
            Id: 0, rollout.Id, device.Id, device.Product, release, DeploymentState.Ordered, Detail: null, now, rollout.CreatedBy,
            Offered: null, Ended: null, OrderNumber: 0, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)
        {
            Wave = rollout.Wave,
            Purpose = purpose,
            Reason = purpose == DeploymentPurpose.Return ? rollout.StateReason : null,
        });
    }

    private Observation? Seen(Deployment open) => open switch
    {
        { Action: DeploymentAction.Install } => DeploymentPolicy.Observe(checkIn, open),
        { IsTwoStep: true } => null,
        _ => RecoveryPolicy.Observe(checkIn, open, device.OrderNumber),
    };

    /// <summary>The device runs what a rollout brings: nothing to do, now or later, and no longer what was ordered before.</summary>
    public void Skip(long rollout) => Supersede(rollout);

    /// <summary>Hands out the order for the open deployment: the last one again while it is good, else a fresh one.</summary>
    /// <param name="what">The version, or what the device is to do, for the timeline.</param>
    /// <param name="longest">How long an order is good for, unless its deployment ends before.</param>
    public void Offer(string what, TimeSpan longest)
    {
        var open = Open!;
        var life = open.Deadline is { } deadline && deadline - now < longest ? deadline - now : longest;
        if (!DeploymentPolicy.CanRepeatOrder(open, checkIn, now, life / 4))
        {
            var number = Fresh();
            open = open with
            {
                OrderNumber = number,
                OrderIssued = now,
                OrderExpires = now + life,
                FirstOrder = open.FirstOrder == 0 ? number : open.FirstOrder,
                Returns = checkIn.Release,
            };
            _news.Add(("offered", $"Offered {what} (order {open.OrderNumber}" + Because(open) + ")"));
        }
        else if (open.State == DeploymentState.Downloaded)
        {
            _news.Add(("offered", $"Offered {what} once more: it fetched all of it and asked from {ClientCheckIn.Shown(checkIn.Running)} again"));
        }

        _handOut = () => Order.Of(Open!);
        Move(open with { State = DeploymentState.Offered, Detail = null, Offered = open.Offered ?? now });
    }

    /// <summary>Takes the recovery of a client without orders as far as it is now; a step is news.</summary>
    /// <param name="before">The recovery as it stands: the open deployment, or one that failed and goes on after all.</param>
    /// <param name="next">As it is to be.</param>
    /// <param name="what">The version that is handed out; null when nothing is.</param>
    public void Recover(Deployment before, Deployment next, string? what)
    {
        _reopens = before.State.IsOver();
        if (next.State.IsOver())
        {
            End(next.State, next.Detail);
            return;
        }

        if (next.State != before.State)
            _news.Add(("offered", next.State == DeploymentState.Offered ? $"Handed the recovery {what}" : $"Handed {what} again, to return to it"));
        Move(next with { Offered = next.Offered ?? now, Ended = null });
    }

    /// <summary>Keeps the open deployment for a better hour; the first time is news.</summary>
    public void Defer()
    {
        if (Open!.Deferred is null)
            _news.Add(("deferred", $"Waits for a better signal than {checkIn.Rssi} dBm"));
        Move(Open with { Deferred = Open.Deferred ?? now, Detail = $"waits for a better signal than {checkIn.Rssi} dBm" });
        IsDeferred = true;
    }

    /// <summary>Hands out the order to trust other keys, with a key statement.</summary>
    public void OfferKeys(int counter, string keyStatement, TimeSpan life)
    {
        var order = new Order(device.Id, Fresh(), Order.Rotate, Order.KeysDeployment(counter), Jws.HashOf(keyStatement), now, now + life);
        _news.Add(("offered", $"Offered order {order.Number} to trust new release keys"));
        _handOut = () => order;
    }

    public void End(DeploymentState state, string? detail)
    {
        // What the rollout is for comes next; it is as if it had not been told of the rollout, though of all before.
        if (state == DeploymentState.Confirmed && Open is { Purpose: DeploymentPurpose.Step, Rollout: { } rollout } && rollout == _instruction)
            (_instruction, Stepped) = (rollout - 1, rollout);
        var ended = Open! with { State = state, Detail = detail, Ended = now };
        _ended.Add(ended);
        _state = DeploymentWords.Shown(ended);
        if (ended.Action != DeploymentAction.Install)
            _news.Add((_state, DeploymentWords.Ending(ended)));
        // Our agent reports these itself.
        else if (checkIn.Tells != Telling.Agent && state is DeploymentState.Confirmed or DeploymentState.Assumed or DeploymentState.Reverted)
            _news.Add((_state, $"Deployment {ended.Id} is {_state}" + (string.IsNullOrEmpty(detail) ? "" : ": " + detail)));
        Open = null;
    }

    /// <summary>Writes everything; the order to hand out when there is one.</summary>
    public Order? Write(DbConnection connection, Heard heard)
    {
        DeviceTable.WriteHeard(connection, device.Id, heard);
        if (_before != device.Before)
            connection.Execute(DeviceTable.BeforeSql, new { device.Id, _before!.Running, _before.Release });
        if (checkIn.ToldImage != device.ToldImage || _isShutOut != device.ShutOut)
            connection.Execute(DeviceTable.ClientSql, new { device.Id, checkIn.ToldImage, ShutOut = _isShutOut ? 1 : 0 });
        foreach (var ended in _ended)
        {
            DeploymentTable.Update(connection, ended);
            Decommission.Write(connection, ended);
            DeploymentEvents.Append(connection, ended);
            PinTable.WriteVersion(connection, heard.Generation, ended);
        }

        if (_begins is not null && Open is not null && !(DeploymentTable.MayBegin(connection, Open) && IsLetIn(connection, _begins)))
            GiveUp();
        if (_begins is not null && Open is not null)
        {
            Open = Open with { Id = Counters.Next(connection, Counters.Instruction) };
            DeploymentTable.Insert(connection, Open);
        }
        else if (Open is not null && Open != device.Open)
        {
            if (_reopens)
                DeploymentTable.Reopen(connection, Open.Id);
            DeploymentTable.Update(connection, Open);
        }

        var order = _handOut?.Invoke();
        if (order is not null && order.Number == _fresh)
            DeploymentTable.InsertOrder(connection, order);
        connection.Execute(DeviceTable.DecidedSql, new { device.Id, OrderNumber = _orderNumber, Instruction = _instruction, State = _state });
        foreach (var (kind, text) in _news)
            Timeline.Append(connection, device.Id, now.ToUnixTimeMilliseconds(), kind, text);
        return order;
    }

    /// <summary>Memory follows the disk.</summary>
    public void Apply(Heard heard)
    {
        device.CheckedIn = true;
        device.Heard = heard;
        device.Before = _before;
        device.ToldImage = checkIn.ToldImage;
        device.ShutOut = _isShutOut;
        device.Open = Open;
        device.OrderNumber = _orderNumber;
        device.Instruction = _instruction;
        device.State = _state;
        device.Considered = Considered;
        foreach (var ended in _ended)
            Decommission.Apply(device, ended);
    }

    // The last place of a wave, or of a minute, is given once, whichever server gives it. A device that has taken its step has its place.
    private bool IsLetIn(DbConnection connection, Rollout rollout)
    {
        var (rate, places) = (rollout.Plan.Rate, rollout.Plan.Waves.MostIn(rollout.Wave));
        if (Open!.Purpose == DeploymentPurpose.Return || (rate is null && places is null)
            || (Open.Purpose == DeploymentPurpose.Target && RolloutProgress.HasStepped(connection, rollout.Id, device.Id)))
            return true;
        if (rate is { } aMinute && !RolloutTable.Pace(connection, rollout.Id, aMinute, now))
            return false;
        if (places is not { } most)
            return true;
        var begun = RolloutTable.Admit(connection, rollout.Id, most);
        Learned = (rollout.Id, begun ?? most);
        return begun is not null;
    }

    private static string Because(Deployment open) => (open.Rollout, open.Purpose) switch
    {
        (null, _) => "",
        ({ } rollout, DeploymentPurpose.Step) => $", a step of rollout {rollout}",
        ({ } rollout, DeploymentPurpose.Return) => $", to return from rollout {rollout}{(open.Reason is null ? "" : ": " + open.Reason)}",
        ({ } rollout, _) => $", rollout {rollout}" + (open.Wave > 1 ? $", wave {open.Wave}" : ""),
    };

    // The rollout was held or the release withdrawn since this check-in looked: as if it had come a moment later.
    private void GiveUp()
    {
        Open = null;
        Considered = null;
        _handOut = null;
        _orderNumber = device.OrderNumber;
        _instruction = _instructionBefore;
        _state = _ended.Count > 0 ? DeploymentWords.Shown(_ended[^1]) : device.State;
        _news.RemoveAll(news => news.Kind == "offered");
    }

    private void Supersede(long rollout)
    {
        if (Open is not null)
            End(DeploymentState.Superseded, $"by rollout {rollout}");
        _instruction = rollout;
    }

    private void Move(Deployment open)
    {
        Open = open;
        _state = DeploymentWords.Shown(open);
    }

    // Above everything the device has seen too: no number is handed out twice.
    private long Fresh()
    {
        _orderNumber = Math.Max(_orderNumber, checkIn.LastOrder) + 1;
        _fresh = _orderNumber;
        return _orderNumber;
    }
}
