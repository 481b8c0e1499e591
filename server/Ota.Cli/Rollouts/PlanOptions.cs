using System.CommandLine;

namespace Ota.Cli.Rollouts;

/// <summary>The options that say how a rollout is to go, the same wherever one is planned. Each command has its own.</summary>
internal sealed class PlanOptions
{
    private readonly Option<string?> _where = new("--where")
    {
        Description = "Only devices for which this holds, e.g. \"group = kitchens and rssi > -75\" (docs/filters.md).",
        HelpName = "filter",
    };

    private readonly Option<string?> _hardware = new("--hardware") { Description = "Only this kind of hardware.", HelpName = "name" };

    private readonly Option<string?> _waves = new("--waves")
    {
        Description = "How far each wave goes: 1%,10%,50%,100% or 5,50,rest. Else all at once.",
        HelpName = "list",
    };

    private readonly Option<string?> _at = new("--at")
    {
        Description = "Start then, e.g. 2026-12-01T02:00 in --zone. Else at once.",
        HelpName = "time",
    };

    private readonly Option<string?> _zone = new("--zone")
    {
        Description = "The time zone of --at, e.g. Australia/Adelaide. Else UTC.",
        HelpName = "name",
    };

    private readonly Option<string?> _window = new("--window")
    {
        Description = "Only in these hours of each device's own day, e.g. 01:00-05:00 ('ota device zone', else the product's).",
        HelpName = "hours",
    };

    private readonly Option<string?> _rate = new("--rate")
    {
        Description = "At most so many devices begin in a minute, e.g. 200/min.",
        HelpName = "n/min",
    };

    private readonly Option<string?> _advance = new("--advance")
    {
        Description = "When the next wave opens by itself. Else \"confirmed >= 95% and soaked 1h\".",
        HelpName = "condition",
    };

    private readonly Option<bool> _byHand = new("--by-hand") { Description = "The next wave opens only with 'ota rollout advance'." };

    private readonly Option<string?> _stop = new("--stop")
    {
        Description = "When the rollout stops by itself, e.g. \"failed+reverted > 2% or alerts > 3\". Else \"failed+reverted > 5%\".",
        HelpName = "condition",
    };

    private readonly Option<bool> _neverStop = new("--never-stop") { Description = "It never stops by itself." };

    private readonly Option<string?> _onStop = new("--on-stop")
    {
        Description = "What stopping does: offer nothing more (pause), or also bring devices back to what they ran (return). Else pause.",
    };

    private readonly Option<string?> _deadline = new("--deadline")
    {
        Description = "Count devices as silent that are not done so long after they were told, e.g. 14d.",
        HelpName = "time",
    };

    public PlanOptions() => _onStop.AcceptOnlyFromAmong("pause", "return");

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [_at, _zone, .. WithoutTime];

    /// <summary>For rollouts that start when something else happens.</summary>
    public IEnumerable<Option> WithoutTime =>
    [
        _where, _hardware, _waves, _window, _rate, _advance, _byHand, _stop, _neverStop, _onStop, _deadline,
    ];

    /// <summary>What was asked for; fails with a sentence on what cannot be meant.</summary>
    public RolloutPlan Read(Call call)
    {
        if (call.Get(_advance) is not null && call.Get(_byHand))
            throw FailureException.Usage("Give --advance or --by-hand, not both.");
        if (call.Get(_neverStop) && (call.Get(_stop) ?? call.Get(_onStop)) is not null)
            throw FailureException.Usage("With --never-stop there is no --stop and no --on-stop.");
        if (call.Get(_zone) is not null && call.Get(_at) is null)
            throw FailureException.Usage("--zone is the time zone of --at, which is missing. A --window is in each device's own.");
        if (string.IsNullOrWhiteSpace(call.Get(_where) ?? "all"))
            throw FailureException.Usage("--where is empty; leave it out for every device of the product.");
        var zone = call.Get(_zone) is { } name ? PlanTerms.Zone(name) : null;
        return new RolloutPlan
        {
            Where = call.Get(_where),
            Hardware = call.Get(_hardware) is { } hardware ? Arguments.Named("hardware", hardware) : null,
            Waves = call.Get(_waves) is { } waves ? PlanTerms.Waves(waves) : null,
            At = call.Get(_at) is { } at ? PlanTerms.At(at, zone) : null,
            Zone = zone,
            Window = call.Get(_window) is { } window ? PlanTerms.Window(window) : null,
            Rate = call.Get(_rate) is { } rate ? PlanTerms.Rate(rate) : null,
            Advance = call.Get(_byHand) ? new Rule(null)
                : call.Get(_advance) is { } advance ? new Rule(PlanTerms.Rule("--advance", advance)) : null,
            Stop = call.Get(_neverStop) ? new Rule(null)
                : call.Get(_stop) is { } stop ? new Rule(PlanTerms.Rule("--stop", stop)) : null,
            OnStop = call.Get(_onStop),
            Deadline = call.Get(_deadline) is { } deadline ? PlanTerms.Duration("--deadline", deadline) : null,
        };
    }

    /// <summary>True when any of them was given.</summary>
    public static bool Given(RolloutPlan plan) => plan != new RolloutPlan();
}
