using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Data;

namespace Ota.Server.Webhooks;

/// <summary>An event that a webhook is still to be told.</summary>
/// <param name="Event">Its id, the same at every attempt and for every webhook.</param>
/// <param name="Attempts">Those that failed.</param>
internal sealed record Waiting(long Number, string Webhook, string Event, string Body, DateTimeOffset Created, long Attempts);

/// <summary>
/// What webhooks are still to be told. Appended in the transaction of what happened, so neither is there without the other,
/// and taken out only when the receiver has it: whatever is killed in between, it is told at least once, under one id.
/// </summary>
internal static class Outbox
{
    /// <summary>Events that wait for one webhook at most; beyond, the oldest is given up.</summary>
    public const int MostWaiting = 10_000;

    private const string ReceiversSql =
        "SELECT id FROM webhooks WHERE product = @product AND disabled IS NULL AND instr(events, @quoted) > 0";

    private const string InsertSql =
        """
        INSERT INTO webhook_outbox (number, webhook, event, body, created, due, attempts)
        VALUES (@number, @webhook, @id, @body, @at, @at, 0)
        """;

    private const string QueuedSql = "UPDATE webhooks SET queued = queued + 1 WHERE id = @webhook RETURNING queued";

    private const string DropSql =
        "DELETE FROM webhook_outbox WHERE number = (SELECT min(number) FROM webhook_outbox WHERE webhook = @webhook)";

    private const string DroppedSql =
        "UPDATE webhooks SET queued = queued - 1, given_up = given_up + 1, last_error = @error WHERE id = @webhook";

    private const string DueSql =
        """
        SELECT number, webhook, event, body, created, attempts FROM webhook_outbox
        WHERE webhook = @webhook AND due <= @now ORDER BY due, number LIMIT @limit
        """;

    // Crockford's base 32, as in the ids of devices.
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    /// <summary>Tells every webhook of the product that asked for this kind of event.</summary>
    /// <param name="at">UTC milliseconds at which it happened.</param>
    /// <param name="data">Made only when somebody is to be told.</param>
    public static void Append<T>(
        SqliteConnection connection, string product, string type, long at, Func<T> data, JsonTypeInfo<T> json)
    {
        var receivers = connection.Query<string>(ReceiversSql, new { product, quoted = $"\"{type}\"" }).AsList();
        if (receivers.Count == 0)
            return;
        var (id, told) = (NewId(), data());
        var body = Body(id, type, at, writer => JsonSerializer.Serialize(writer, told, json));
        foreach (var webhook in receivers)
            Insert(connection, webhook, id, body, at);
    }

    /// <summary>Tells one webhook that it is there; the event's id.</summary>
    /// <param name="at">UTC milliseconds.</param>
    public static string Ping(SqliteConnection connection, string webhook, long at)
    {
        var id = NewId();
        Insert(connection, webhook, id, Body(id, WebhookEvents.Ping, at, writer =>
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
        }), at);
        return id;
    }

    /// <summary>What is due by now, the longest due first.</summary>
    public static IReadOnlyList<Waiting> Due(SqliteConnection connection, string webhook, DateTimeOffset now, int limit) =>
        [.. connection.Query<(long Number, string Webhook, string Event, string Body, long Created, long Attempts)>(
                DueSql, new { webhook, now = now.ToUnixTimeMilliseconds(), limit })
            .Select(row => new Waiting(
                row.Number, row.Webhook, row.Event, row.Body, DateTimeOffset.FromUnixTimeMilliseconds(row.Created), row.Attempts))];

    private static void Insert(SqliteConnection connection, string webhook, string id, string body, long at)
    {
        connection.Execute(InsertSql, new { number = Counters.Next(connection, Counters.Outbox), webhook, id, body, at });
        if (connection.ExecuteScalar<long>(QueuedSql, new { webhook }) <= MostWaiting)
            return;
        connection.Execute(DropSql, new { webhook });
        connection.Execute(DroppedSql, new { webhook, error = $"more than {MostWaiting} events were waiting" });
    }

    private static string Body(string id, string type, long at, Action<Utf8JsonWriter> data)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("type", type);
            writer.WriteNumber("at", at / 1000);
            writer.WritePropertyName("data");
            data(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string NewId() => "evt_" + RandomNumberGenerator.GetString(Alphabet, 24);
}
