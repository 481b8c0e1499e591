using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>State of the slot a device runs.</summary>
public enum SlotState : byte
{
    Confirmed,
    Trial,
}

internal static class SlotWords
{
    /// <summary>As it stands in the devices table, in filters and in the staff API.</summary>
    public static string Word(this SlotState slot) => slot == SlotState.Trial ? "trial" : "confirmed";
}

/// <summary>How a device says what it runs.</summary>
public enum Telling : byte
{
    /// <summary>It is our agent, which knows slots and orders.</summary>
    Agent,

    /// <summary>A client that is not ours, which names the version or the image that it runs.</summary>
    Version,

    /// <summary>A client that is not ours and does not say what it runs; what stands here is what it is taken to run.</summary>
    Nothing,
}

/// <summary>Why and when a device last started; <c>Count</c> is starts since manufacture, <c>At</c> Unix seconds or 0.</summary>
public readonly record struct Restart(string Cause, long At, long Count);

/// <summary>What a device says of itself when it asks (docs/protocol.md §3.1).</summary>
/// <param name="Release">Hash of the statement in the running slot; null when only the bootstrap runs.</param>
/// <param name="LastOrder">Highest order number it accepted.</param>
/// <param name="Cleared">Number of the order for which it cleared credentials last; 0 for none, or from an agent that does not say.</param>
/// <param name="KeyCounter">Counter of the key statement it trusts; 0 for its factory keys.</param>
/// <param name="Uptime">Seconds.</param>
/// <param name="Rssi">dBm, 0 if unknown.</param>
/// <param name="FreeMemory">Bytes.</param>
public sealed record CheckIn(
    string Running,
    string? Release,
    SlotState Slot,
    int SecurityCounter,
    long LastOrder,
    long Cleared,
    int KeyCounter,
    Restart Restart,
    long Uptime,
    int Rssi,
    long FreeMemory,
    string Hardware)
{
    public Telling Tells { get; init; }

    /// <summary>Hash of the image that a client which is not ours says it runs; null when it says none.</summary>
    public string? ToldImage { get; init; }

    /// <summary>True when it is in the middle of what it was handed, and says so: it is handed nothing, and only a new version is news.</summary>
    public bool IsBusy { get; init; }

    /// <summary>True when it asks only what it would be handed: it is handed nothing.</summary>
    public bool IsLooking { get; init; }

    /// <summary>The deployment it was shown last: once that is called off, it must be told to stop it before it is handed anything else. 0 for none.</summary>
    public long Shown { get; init; }

    /// <summary>The largest check-in that is read, in bytes.</summary>
    public const int MaximumSize = 4096;

    /// <summary>Every word a device may give for why it started.</summary>
    internal static readonly string[] Causes =
        ["update", "recovery", "user", "wifi-timeout", "server-timeout", "crash", "power-or-unknown"];

    /// <summary>Reads a body; null and a sentence when it is not a check-in.</summary>
    /// <param name="last">The one before: what it said alike is kept once.</param>
    public static CheckIn? Read(ReadOnlySpan<byte> json, CheckIn? last, out string reason)
    {
        CheckInBody? body;
        try
        {
            body = JsonSerializer.Deserialize(json, CheckInJson.Default.CheckInBody);
        }
        catch (JsonException fault)
        {
            reason = $"The body is not a check-in: its JSON cannot be read at '{fault.Path ?? "$"}'.";
            return null;
        }

        reason = Fault(body) ?? "";
        return reason.Length > 0 ? null : Of(body!, last);
    }

    private static CheckIn Of(CheckInBody body, CheckIn? last) => new(
        Kept(body.Running!, last?.Running),
        body.Release is null ? null : Kept(body.Release, last?.Release),
        body.Slot == "trial" ? SlotState.Trial : SlotState.Confirmed,
        body.SecurityCounter,
        body.LastOrder,
        Math.Min(body.Cleared, body.LastOrder),
        body.KeyCounter,
        new Restart(Causes.First(cause => cause == body.Restart!.Cause), body.Restart!.At, body.Restart.Count),
        body.Uptime,
        body.Rssi,
        body.FreeMemory,
        Kept(body.Hardware!, last?.Hardware));

    private static string Kept(string text, string? last) => text == last ? last : text;

    private static string? Fault(CheckInBody? body) => body switch
    {
        null => "The body is not a check-in.",
        _ when Names.VersionFault(body.Running) is { } fault => "running " + fault,
        { Release: not null } when !Names.IsHex(body.Release, 64) => "release is the lower-case hex SHA-256 of a statement, or absent.",
        { Slot: not ("trial" or "confirmed") } => "slot is trial or confirmed.",
        { SecurityCounter: < 0 } or { LastOrder: < 0 or > long.MaxValue / 32 } or { Cleared: < 0 } or { KeyCounter: < 0 } or { Uptime: < 0 } or { FreeMemory: < 0 } =>
            "securityCounter, lastOrder, cleared, keyCounter, uptime and freeMemory are not negative.",
        { Restart: null } => "restart is missing.",
        _ when !Causes.Contains(body.Restart.Cause) => "restart.cause is one of " + string.Join(", ", Causes) + ".",
        { Restart: { At: < 0 } or { Count: < 0 } } => "restart.at and restart.count are not negative.",
        { Rssi: < -200 or > 50 } => "rssi is in dBm, or 0 if unknown.",
        _ when Names.Fault(body.Hardware) is { } fault => "hardware " + fault,
        _ => null,
    };
}

// Set, not init: source-generated JSON reads init-only properties by way of a constructor with boxed arguments.
internal sealed class CheckInBody
{
    public string? Running { get; set; }

    public string? Release { get; set; }

    public string? Slot { get; set; }

    public int SecurityCounter { get; set; }

    public long LastOrder { get; set; }

    public long Cleared { get; set; }

    public int KeyCounter { get; set; }

    public RestartBody? Restart { get; set; }

    public long Uptime { get; set; }

    public int Rssi { get; set; }

    public long FreeMemory { get; set; }

    public string? Hardware { get; set; }
}

internal sealed class RestartBody
{
    public string? Cause { get; set; }

    public long At { get; set; }

    public long Count { get; set; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CheckInBody))]
internal sealed partial class CheckInJson : JsonSerializerContext;
