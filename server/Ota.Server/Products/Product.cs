using System.Text.Json;
using Ota.Signing;

namespace Ota.Server.Products;

/// <summary>What the builds are for.</summary>
/// <param name="Hardware">The kinds of hardware it exists on.</param>
/// <param name="ReleaseKeys">The keys a release statement may be signed with.</param>
/// <param name="KeyCounter">Counter of the key statement that brought these keys; 0 for the first set.</param>
/// <param name="KeyStatements">Every key statement so far by its counter: a device that missed two needs both, in turn.</param>
internal sealed record Product(
    string Name,
    IReadOnlyList<string> Hardware,
    IReadOnlyList<ReleaseKey> ReleaseKeys,
    PollSchedule Poll,
    long EnrollmentGeneration,
    int KeyCounter,
    IReadOnlyDictionary<int, string> KeyStatements,
    DateTimeOffset Created)
{
    /// <summary>
    /// Counter and text of the next key statement for a device whose keys came with <paramref name="counter"/>, or null when it is up to date.
    /// </summary>
    public (int Counter, string Text)? KeyStatementAfter(int counter) =>
        KeyStatements.Where(statement => statement.Key > counter)
            .OrderBy(statement => statement.Key)
            .Select(statement => ((int, string)?)(statement.Key, statement.Value))
            .FirstOrDefault();

    /// <summary>Its patience with a weak signal; null for none.</summary>
    public SignalPolicy? Signal { get; init; }

    /// <summary>The channel whose newest release starts a rollout by itself, and how, as JSON; null for none.</summary>
    public string? Follow { get; init; }

    /// <summary>How long its image files stay; null for ever.</summary>
    public ImageRetention? Retention { get; init; }

    /// <summary>Under which numbers its system pins are found.</summary>
    public SystemPins Pins { get; init; } = SystemPins.Usual;

    /// <summary>What it allows to clients that were not written for this server.</summary>
    public DialectRules Dialects { get; init; } = DialectRules.Usual;

    /// <summary>The Blynk cloud that is told of its devices; null for none.</summary>
    public string? BlynkCloud { get; init; }

    /// <summary>Whether its devices, once they have heard of the present keys, take what this key signed.</summary>
    public bool Trusts(string key) => ReleaseKeys.Any(trusted => trusted.Id == key);
}

public sealed record ReleaseKeyView(string Id, string Pem);

public sealed record ProductView(
    string Name,
    IReadOnlyList<string> Hardware,
    IReadOnlyList<ReleaseKeyView> ReleaseKeys,
    int KeyCounter,
    string Poll,
    DateTimeOffset Created,
    SignalPolicy? Signal,
    JsonElement? Follow,
    ImageRetention? Retention,
    SystemPins Pins,
    DialectRules Dialects,
    string? BlynkCloud,
    string? DialectKey,
    string? EnrollmentKey);

/// <param name="Follow">A channel and the plan of its rollouts; null for none.</param>
public sealed record FollowChange(JsonElement Follow);

/// <param name="Poll">When devices ask, see <see cref="PollSchedule"/>.</param>
public sealed record PollChange(string? Poll);

/// <param name="Signal">Null to never wait.</param>
public sealed record SignalChange(SignalPolicy? Signal);

/// <param name="Retention">Null to keep every image for ever.</param>
public sealed record RetentionChange(ImageRetention? Retention);

/// <param name="Pins">Null for the usual numbers.</param>
public sealed record PinsChange(SystemPins? Pins);

/// <param name="Dialects">Null for what is usual: nobody is enrolled by key, and all are given updates.</param>
public sealed record DialectsChange(DialectRules? Dialects);

public sealed record NewProduct(string? Name, IReadOnlyList<string>? Hardware, IReadOnlyList<string>? ReleaseKeys, string? Poll);
