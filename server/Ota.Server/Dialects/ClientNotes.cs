using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Devices;

namespace Ota.Server.Dialects;

/// <summary>What is kept of a client whose dialect has conversations: which action it was shown, and what it told of itself.</summary>
/// <param name="Generation">Of its device; what was noted of an earlier one no longer counts.</param>
internal sealed record ClientNote(long Generation)
{
    /// <summary>The action that it was shown and has not closed; 0 for none.</summary>
    public long Action { get; init; }

    /// <summary>The action that it last said it is done with; 0 for none.</summary>
    public long Closed { get; init; }

    /// <summary>When the action was shown, or closed.</summary>
    public DateTimeOffset At { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>By the names that it gives them.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>When it last told its attributes; the epoch for never.</summary>
    public DateTimeOffset Told { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>SHA-256 of the public key that its requests are signed with; null until it has shown one.</summary>
    public string? Signer { get; init; }
}

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ClientNoteJson : JsonSerializerContext;

/// <summary>The notes of all clients: on disk, and in memory where there is one server.</summary>
internal sealed class ClientNotes(Fleet fleet, Database database)
{
    private const string FindSql =
        "SELECT generation, action, closed, at, attributes, told, signer FROM client_notes WHERE device = @device";

    private const string KeepSql =
        """
        INSERT INTO client_notes (device, generation, action, closed, at, attributes, told, signer)
        VALUES (@device, @Generation, @Action, @Closed, @at, @attributes, @told, @Signer)
        ON CONFLICT (device) DO UPDATE SET generation = excluded.generation, action = excluded.action, closed = excluded.closed, at = excluded.at,
                                           attributes = excluded.attributes, told = excluded.told, signer = excluded.signer
        """;

    private readonly ConcurrentDictionary<string, ClientNote> _kept = new(StringComparer.Ordinal);

    public ClientNote Of(Caller caller)
    {
        var id = caller.Device.Id;
        var note = !database.IsShared && _kept.TryGetValue(id, out var kept) ? kept : _kept[id] = database.Read(connection => Find(connection, id));
        return note.Generation == caller.Generation ? note : new ClientNote(caller.Generation);
    }

    /// <summary>Changes a note, on disk when this returns; the note as it is then. Nothing is written that changes nothing.</summary>
    public Task<ClientNote> ChangeAsync(Caller caller, Func<ClientNote, ClientNote> change) =>
        StaleException.RetryAsync(async () =>
        {
            using var held = await fleet.LockAsync(caller.Device, CancellationToken.None);
            var before = Of(caller);
            var after = change(before);
            if (after == before || caller.IsStale)
                return before;
            await database.WriteAsync(connection => Keep(connection, caller.Device.Id, after), CancellationToken.None, caller.Device.Basis);
            return _kept[caller.Device.Id] = after;
        });

    private static ClientNote Find(DbConnection connection, string device) =>
        connection.QuerySingleOrDefault<Row>(FindSql, new { device })?.ToNote() ?? new ClientNote(Generation: 0);

    private static void Keep(DbConnection connection, string device, ClientNote note) => connection.Execute(KeepSql, new
    {
        device, note.Generation, note.Action, note.Closed, note.Signer,
        at = note.At.ToUnixTimeMilliseconds(),
        told = note.Told.ToUnixTimeMilliseconds(),
        attributes = JsonSerializer.Serialize(new Dictionary<string, string>(note.Attributes), ClientNoteJson.Default.DictionaryStringString),
    });

    private sealed class Row
    {
        public long Generation { get; init; }

        public long Action { get; init; }

        public long Closed { get; init; }

        public long At { get; init; }

        public string Attributes { get; init; } = "{}";

        public long Told { get; init; }

        public string? Signer { get; init; }

        public ClientNote ToNote() => new(Generation)
        {
            Action = Action,
            Closed = Closed,
            At = DateTimeOffset.FromUnixTimeMilliseconds(At),
            Attributes = JsonSerializer.Deserialize(Attributes, ClientNoteJson.Default.DictionaryStringString)!,
            Told = DateTimeOffset.FromUnixTimeMilliseconds(Told),
            Signer = Signer,
        };
    }
}
