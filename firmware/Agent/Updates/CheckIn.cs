namespace Ota.Agent;

/// <summary>What the server's answer to a check-in amounts to.</summary>
internal enum CheckInResult
{
    /// <summary>
    /// No protocol answer: no network, an error, a portal's page. Nothing follows from it but to ask later.
    /// </summary>
    Nothing,

    /// <summary>Keep what you run.</summary>
    Hold,

    /// <summary>An order came along, not yet verified.</summary>
    Ordered,

    /// <summary>410 with an order, not yet verified.</summary>
    Gone,
}

/// <summary>One check-in (docs/protocol.md §3.1 and §3.2) and its answer.</summary>
internal sealed class CheckIn
{
    private static readonly string[] CauseNames =
    {
        "power-or-unknown", "update", "recovery", "user", "wifi-timeout", "server-timeout", "crash",
    };

    private readonly AgentOptions _unit;
    private readonly Platform _platform;
    private readonly ServerLink _server;
    private readonly TrustedKeys _trusted;

    public CheckIn(AgentOptions unit, Platform platform, ServerLink server, TrustedKeys trusted)
    {
        _trusted = trusted;
        _unit = unit;
        _platform = platform;
        _server = server;
    }

    /// <summary>What the protocol calls it.</summary>
    public static string NameOf(RestartCause cause) => CauseNames[(int)cause];

    /// <summary>HTTP status of the last answer, 0 for none.</summary>
    public int Status { get; private set; }

    /// <summary>Retry-After in seconds as the server gave it, -1 when it gave none.</summary>
    public int RetryAfter { get; private set; }

    public string Order { get; private set; }

    /// <summary>The statement that came with the order; null when none did.</summary>
    public string Release { get; private set; }

    /// <summary>Where the image is, relative to the server or absolute; null when none was named.</summary>
    public string Image { get; private set; }

    /// <summary>Asks the server; a network that fails is <see cref="CheckInResult.Nothing"/> too.</summary>
    public CheckInResult Ask(DeviceState state, Boot boot, bool onTrial, OrderDesk orders)
    {
        Status = 0;
        RetryAfter = -1;
        Order = null;
        Release = null;
        Image = null;
        try
        {
            using (var answer = _server.Post("/agent/v1/check-in", Body(state, boot, onTrial, orders)))
                return Read(answer);
        }
        catch (HttpFaultException)
        {
            // When to ask next was said for an answer that arrives; the order in this one is still to be had.
            RetryAfter = -1;
            return CheckInResult.Nothing;
        }
    }

    private CheckInResult Read(IHttpAnswer answer)
    {
        Status = answer.Status;
        RetryAfter = ServerLink.Seconds(answer.Header("Retry-After"));

        // Our server always says when to ask again; a portal's empty 204 does not, and must not confirm a trial.
        if (Status == 204)
            return RetryAfter < 0 ? CheckInResult.Nothing : Believe(answer, CheckInResult.Hold);
        if (Status != 200 && Status != 410)
            return CheckInResult.Nothing;
        var json = _server.ReadJson(answer);
        if (json == null || !json.Has("order"))
            return CheckInResult.Nothing;
        try
        {
            Order = json.Text("order");
            Release = json.OptionalText("release");
            Image = json.OptionalText("image");
        }
        catch (JsonRefusedException)
        {
            return CheckInResult.Nothing;
        }

        return Believe(answer, Status == 200 ? CheckInResult.Ordered : CheckInResult.Gone);
    }

    // The clock is set from protocol answers only: a portal's page has a Date too, and it may be years off.
    private CheckInResult Believe(IHttpAnswer answer, CheckInResult result)
    {
        var date = HttpDate.Parse(answer.Header("Date"));
        if (date > 0)
            _platform.Clock.Set(date);
        return result;
    }

    private byte[] Body(DeviceState state, Boot boot, bool onTrial, OrderDesk orders)
    {
        var clock = _platform.Clock;
        var json = new JsonWriter().Begin().Text("running", boot.Running == null ? "0.0.0" : boot.Running.Version);
        if (boot.Running != null)
            json.Text("release", boot.Running.Hash);
        return json
            .Text("slot", onTrial ? "trial" : "confirmed")
            .Number("securityCounter", state.Floor)
            .Number("lastOrder", orders.LastOrder)
            .Number("cleared", orders.Cleared)
            .Number("keyCounter", _trusted.Counter)
            .Begin("restart")
            .Text("cause", NameOf(boot.Cause))
            .Number("at", clock.Now == 0 ? 0 : clock.Now - clock.Uptime)
            .Number("count", state.Starts)
            .End()
            .Number("uptime", clock.Uptime)
            .Number("rssi", _platform.Radio.Rssi)
            .Number("freeMemory", _platform.Power.FreeMemory)
            .Text("hardware", _unit.Hardware)
            .End().ToUtf8();
    }
}
