using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Products;

namespace Ota.Server.Devices;

/// <summary>What the device said when it last asked; replaced whole, so a reader never sees half of two check-ins.</summary>
/// <param name="Generation">The one that said it, which need not be the present one.</param>
internal sealed record Heard(CheckIn CheckIn, DateTimeOffset At, DateTimeOffset Next, long Generation)
{
    // There is one for each device: half of what two moments with an offset take.
    private readonly long _at = At.UtcTicks;
    private readonly long _next = Next.UtcTicks;

    public DateTimeOffset At => new(_at, TimeSpan.Zero);

    public DateTimeOffset Next => new(_next, TimeSpan.Zero);
}

/// <summary>What a device ran: the version it said, and the hash of the statement if it said one.</summary>
internal sealed record Ran(string Running, string? Release)
{
    /// <summary>
    /// What a device ran, confirmed, before what it says it runs now: what it may fall back to. While a trial is under way that is what it ran when
    /// the trial began; a trial that failed is nothing to fall back to.
    /// </summary>
    /// <param name="before">What that was until now.</param>
    public static Ran? Before(Ran? before, CheckIn? last, CheckIn now) =>
        last is { Slot: SlotState.Confirmed } && (last.Running, last.Release) != (now.Running, now.Release)
            ? new Ran(last.Running, last.Release)
            : before;
}

/// <summary>The bytes of an image that went out to a client one after the other, from the first one on.</summary>
/// <param name="Generation">Of its device then.</param>
internal sealed record SentImage(long Generation, string Sha256, long Bytes)
{
    /// <summary>This with some more bytes; itself when they do not follow on what there is.</summary>
    public SentImage With(long first, long end) => first <= Bytes && end > Bytes ? this with { Bytes = end } : this;
}

/// <summary>
/// One device as the server knows it, in memory for every decision. Facts change only under the fleet's lock for this device and only after
/// they are on disk; <see cref="Heard"/> alone is written behind.
/// </summary>
internal sealed class Device(string id, string product, string hardwareId, string hardware, DateTimeOffset enrolled)
{
    public const string NoDeploymentYet = "enrolled";

    private static readonly object NotLooked = new();

    // Each "look again" is an object of its own, so that one that came meanwhile is never taken for the one before.
    private object? _considered = NotLooked;
    private readonly long _enrolled = enrolled.UtcTicks;
    private Seldom? _seldom;

    public string Id { get; } = id;

    public string Product { get; } = product;

    /// <summary>What the hardware calls itself: a MAC or a serial number.</summary>
    public string HardwareId { get; } = hardwareId;

    /// <summary>Its hardware id as people may write it, see <see cref="DeviceNames"/>.</summary>
    public string PlainName => DeviceNames.Plain(HardwareId);

    public string Hardware { get; } = hardware;

    public DateTimeOffset Enrolled => new(_enrolled, TimeSpan.Zero);

    /// <summary>Null for our agent.</summary>
    public ForeignClient? Client
    {
        get => _seldom?.Client;
        set => SetSeldom(value, static (seldom, client) => seldom.Client = client);
    }

    /// <summary>Hash of the image that a client which is not ours last said it runs; null when it says none.</summary>
    public string? ToldImage
    {
        get => _seldom?.ToldImage;
        set => SetSeldom(value, static (seldom, told) => seldom.ToldImage = told);
    }

    /// <summary>Whether its timeline says that it is given nothing, as it checks less than its product wants.</summary>
    public bool ShutOut
    {
        get => _seldom is { ShutOut: true };
        set => SetSeldom(value, static (seldom, isShut) => seldom.ShutOut = isShut);
    }

    /// <summary>What is left to do for an image that has just gone out to it; null when nothing is.</summary>
    public Task? Delivering
    {
        get => _seldom?.Delivering;
        set => SetSeldom(value, static (seldom, delivering) => seldom.Delivering = delivering);
    }

    /// <summary>The image that last began to go out to it, and how far; forgotten with the process. Null for none.</summary>
    public SentImage? Sent
    {
        get => _seldom?.Sent;
        set => SetSeldom(value, static (seldom, sent) => seldom.Sent = sent);
    }

    /// <summary>Whether it checks less of an image than its product wants. Our agent checks everything.</summary>
    public bool ChecksTooLittle(Product product) => Client is { } client && client.Protection < product.Dialects.Least;

    public string? Group { get; set; }

    /// <summary>Where it stands, for times of its own; null for the zone of its product's poll.</summary>
    public TimeZoneInfo? Zone { get; set; }

    /// <summary>Which set of its derived secrets is good; a higher one revokes the lower.</summary>
    public long Generation { get; set; } = 1;

    /// <summary>Its token as last derived; good while the generation is still the device's.</summary>
    public DeviceToken? Token { get; set; }

    /// <summary>Whether it has checked in with its present generation.</summary>
    public bool CheckedIn { get; set; }

    /// <summary>Whether staff allow it to enroll anew.</summary>
    public bool HandedOver { get; set; }

    /// <summary>Highest order number handed out.</summary>
    public long OrderNumber { get; set; }

    /// <summary>Number of the latest deployment or rollout it was given; older ones no longer concern it.</summary>
    public long Instruction { get; set; }

    /// <summary>State of its latest deployment; <c>enrolled</c> when it has had none.</summary>
    public string State { get; set; } = NoDeploymentYet;

    public Deployment? Open { get; set; }

    /// <summary>What ended its identity; null while it has one. Its order is repeated for as long as it is good.</summary>
    public Deployment? Decommissioned
    {
        get => _seldom?.Decommissioned;
        set => SetSeldom(value, static (seldom, decommission) => seldom.Decommissioned = decommission);
    }

    /// <summary>The last check-in; null before the first.</summary>
    public Heard? Heard { get; set; }

    /// <summary>What it ran, confirmed, before what it runs now; null when that is not known.</summary>
    public Ran? Before { get; set; }

    /// <summary>The version it said it runs when it enrolled.</summary>
    public string RunningAtEnrollment { get; init; } = "0.0.0";

    /// <summary>The version it runs; null for a client that never told one.</summary>
    public string? Running => (Heard?.CheckIn.Running ?? RunningAtEnrollment) is var version and not ClientCheckIn.UnknownVersion ? version : null;

    /// <summary>True when it is only taken to run that, as its client does not say what it runs.</summary>
    public bool IsRunningAssumed => this is { Client: not null, Running: not null, Heard.CheckIn.Tells: var tells } && tells switch
    {
        Telling.Nothing => true,
        Telling.Version => false,
        // It has not asked since how it tells is on disk.
        _ => State == DeploymentWords.Of(DeploymentState.Assumed),
    };

    /// <summary>
    /// The board of rollouts it was last held against; while that is unchanged there is nothing new for it. Set to null when there may be.
    /// </summary>
    public object? Considered
    {
        get => Volatile.Read(ref _considered);
        set => Volatile.Write(ref _considered, value ?? new object());
    }

    /// <summary>
    /// Notes without its lock that there is nothing for it on a board, unless something has changed since <paramref name="before"/> was read.
    /// </summary>
    public void Consider(object? before, object board) => Interlocked.CompareExchange(ref _considered, board, before);

    /// <summary>Counter of the key statement it refused, so that it is not asked again and again; 0 for none. Forgotten with the process.</summary>
    public int RefusedKeys
    {
        get => _seldom?.RefusedKeys ?? 0;
        set => SetSeldom(value, static (seldom, counter) => seldom.RefusedKeys = counter);
    }

    /// <summary>UTC milliseconds and starts of the last sample that was kept of it; forgotten with the process.</summary>
    public (long At, long Starts) Sampled { get; set; }

    /// <summary>The last change of several servers that is in these facts; 0 where there is one server.</summary>
    public long Position { get; set; }

    /// <summary>What a decision about it rests on. Read under its lock.</summary>
    public Basis Basis => new(Id, Position);

    /// <summary>1 while it waits in the queue of the write-behind.</summary>
    public int Queued;

    /// <summary>The mark of its calls, see <see cref="Limits.RatePolicy"/>; forgotten with the process.</summary>
    public long Calls;

    private void SetSeldom<T>(T value, Action<Seldom, T> set)
    {
        if (_seldom is not null || !EqualityComparer<T>.Default.Equals(value, default))
            set(LazyInitializer.EnsureInitialized(ref _seldom), value);
    }

    // What few devices have. In a fleet of a million the others have one word for all of it.
    private sealed class Seldom
    {
        public ForeignClient? Client { get; set; }

        public string? ToldImage { get; set; }

        public bool ShutOut { get; set; }

        public Task? Delivering { get; set; }

        public SentImage? Sent { get; set; }

        public Deployment? Decommissioned { get; set; }

        public int RefusedKeys { get; set; }
    }
}
