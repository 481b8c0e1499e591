using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Pins;

/// <summary><c>ota pin set</c>, <c>get</c>, <c>watch</c> and <c>token</c></summary>
internal static class DevicePins
{
    // Seconds that a look may wait at the server for something to happen.
    private const int Wait = 50;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(2);

    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };

    private static readonly Argument<string> Name = new("pin")
    {
        Description = "A number from 0 to 255, or check-now, status, version, restart-cause or rssi.",
    };

    private static readonly Argument<string?> OneName = new("pin") { Description = "Only this pin; all by default.", Arity = ArgumentArity.ZeroOrOne };

    private static readonly Argument<string?> Value = new("value")
    {
        Description = "At most 1024 bytes; check-now needs none.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Command Set { get; } = new Verb(
        "set", "Write a pin. 'check-now' makes a device that listens check in at once.", SetAsync) { Id, Name, Value };

    public static Command Get { get; } = new Verb("get", "Show the last value of one pin, or of all.", GetAsync) { Id, OneName };

    public static Command Watch { get; } = new Verb(
        "watch", "Show every write to a device's pins until Ctrl-C, one line each; first what there is.", WatchAsync) { Id };

    private static readonly Option<bool> Blynk = new("--blynk") { Description = "The one of 32 characters that a sketch which speaks Blynk holds." };

    public static Command Token { get; } = new Verb(
        "token", "Show the token that is good for this device's pins and for nothing else. Audited.", TokenAsync) { Id, Blynk };

    private static async Task SetAsync(Call call, CancellationToken cancellation)
    {
        var pin = await call.Api.PutAsync<PinChange, Pin>(
            ApiPath.Of($"devices/{call.Get(Id)}/pins/{call.Get(Name)}"), new PinChange(call.Find(Value)), cancellation);
        call.Screen.Show(pin, screen =>
        {
            screen.Line($"Pin {pin.Name} is ", pin.Shown, ".");
            if (pin.Listens == false)
                screen.Line("The unit does not listen at the moment: it checks in when its own time has come, or when it listens again before that.");
        });
    }

    private static async Task GetAsync(Call call, CancellationToken cancellation)
    {
        if (call.Find(OneName) is { } name)
        {
            var pin = await call.Api.GetAsync<Pin>(ApiPath.Of($"devices/{call.Get(Id)}/pins/{name}"), cancellation);
            call.Screen.Show(pin, screen => Table(screen, [pin], call.Now));
            return;
        }

        var all = await call.Api.GetAsync<PinList>(ApiPath.Of($"devices/{call.Get(Id)}/pins"), cancellation);
        call.Screen.Show(all, screen => Table(screen, [.. all.Pins.OrderBy(pin => pin.Number)], call.Now));
    }

    private static void Table(Screen screen, Pin[] pins, DateTimeOffset now) => screen.Table(
        ["Pin", "Value", "Number", "Written", "By"],
        [.. pins.Select(pin => new Cell[] { new(pin.Name, Tone.Strong), pin.Written, $"{pin.Number}", When.Ago(pin.At, now), pin.Who })],
        "Nothing was written to a pin of this device.");

    private static async Task WatchAsync(Call call, CancellationToken cancellation)
    {
        // The first look may fail as any command does; later ones are said and tried again.
        var list = await LookAsync(call, after: 0, wait: 0, cancellation);
        try
        {
            while (true)
            {
                foreach (var pin in list.Pins)
                    Say(call, pin);
                list = await FollowAsync(call, list.Seq, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how a watch ends, not how it fails.
        }
    }

    private static async Task<PinList> FollowAsync(Call call, long after, CancellationToken cancellation)
    {
        try
        {
            var began = call.Time.GetTimestamp();
            var list = await LookAsync(call, after, Wait, cancellation);
            // A server that stops ends its calls at once.
            if (list.Pins.Count == 0 && call.Time.GetElapsedTime(began) < AfterTrouble)
                await Task.Delay(AfterTrouble, call.Time, cancellation);
            return list;
        }
        catch (FailureException failure)
        {
            call.Screen.Warn(failure.Title);
            await Task.Delay(AfterTrouble, call.Time, cancellation);
            return new PinList(after, []);
        }
    }

    private static Task<PinList> LookAsync(Call call, long after, int wait, CancellationToken cancellation) => call.Api.GetAsync<PinList>(
        ApiPath.Of($"devices/{call.Get(Id)}/pins").With("after", after).With("wait", wait), cancellation);

    private static void Say(Call call, Pin pin)
    {
        if (call.Screen.Json)
            Screen.JsonLine(pin);
        else
            call.Screen.Line($"{When.Exact(pin.At)}  {pin.Name}  ", pin.Shown, $"  {pin.Who}");
    }

    private static async Task TokenAsync(Call call, CancellationToken cancellation)
    {
        var (path, place) = call.Get(Blynk)
            ? (ApiPath.Of($"devices/{call.Get(Id)}/pin-token/blynk"), "as the sketch's BLYNK_AUTH_TOKEN")
            : (ApiPath.Of($"devices/{call.Get(Id)}/pin-token"), "behind 'Authorization: Bearer'");
        var (token, _) = await call.Api.PostAsync<PinToken>(path, cancellation);
        call.Screen.Show(token, screen =>
        {
            screen.Line("Good for the pins of ", new Cell(token.Device, Tone.Strong), $" and for nothing else, {place}:");
            Screen.Verbatim(Cell.Clean(token.Token));
        });
    }
}
