using System.Data.Common;
using System.Text.Json;
using Dapper;
using Ota.Server.Audit;

namespace Ota.Server.Webhooks;

/// <summary>The rows of webhooks, and what becomes of deliveries.</summary>
internal static class WebhookTable
{
    /// <summary>Webhooks a product has at most.</summary>
    public const int MostOfProduct = 10;

    private const string Columns =
        "id, product, url, events, created, created_by, disabled, queued, given_up, last_delivered, last_failed, last_error";

    private const string ListSql = $"SELECT {Columns} FROM webhooks WHERE product = @product ORDER BY created, id";
    private const string OneSql = $"SELECT {Columns} FROM webhooks WHERE product = @product AND id = @id";
    private const string WaitingSql = $"SELECT {Columns} FROM webhooks WHERE queued > 0 AND disabled IS NULL";
    private const string CountSql = "SELECT count(*) FROM webhooks WHERE product = @product";

    private const string InsertSql =
        """
        INSERT INTO webhooks (id, product, url, events, created, created_by, queued, given_up)
        VALUES (@id, @product, @url, @events, @at, @who, 0, 0)
        """;

    private const string EmptySql = "DELETE FROM webhook_outbox WHERE webhook = @id";
    private const string RemoveSql = "DELETE FROM webhooks WHERE id = @id";

    private const string DisableSql =
        "UPDATE webhooks SET disabled = @at, queued = 0, last_failed = @at, last_error = @error WHERE id = @id AND disabled IS NULL";

    private const string DoneSql = "DELETE FROM webhook_outbox WHERE number = @number";
    private const string LaterSql = "UPDATE webhook_outbox SET attempts = attempts + 1, due = @due WHERE number = @number";
    private const string DeliveredSql = "UPDATE webhooks SET queued = queued - @rows, last_delivered = @at WHERE id = @id";
    private const string FailedSql = "UPDATE webhooks SET last_failed = @at, last_error = @error WHERE id = @id";

    private const string GivenUpSql =
        """
        UPDATE webhooks SET queued = queued - @rows, given_up = given_up + @rows, last_failed = @at, last_error = @error WHERE id = @id
        """;

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<Webhook> Of(DbConnection connection, string product) =>
        [.. connection.Query<Row>(ListSql, new { product }).Select(row => row.ToWebhook())];

    public static Webhook? Find(DbConnection connection, string product, string id) =>
        connection.QuerySingleOrDefault<Row>(OneSql, new { product, id })?.ToWebhook();

    /// <summary>Those for which something waits, due or not.</summary>
    public static IReadOnlyList<Webhook> Waiting(DbConnection connection) =>
        [.. connection.Query<Row>(WaitingSql).Select(row => row.ToWebhook())];

    /// <summary>False when its product has as many as it may.</summary>
    public static bool Add(DbConnection connection, Webhook webhook)
    {
        if (connection.ExecuteScalar<long>(CountSql, new { product = webhook.Product }) >= MostOfProduct)
            return false;
        var at = webhook.Created.ToUnixTimeMilliseconds();
        connection.Execute(InsertSql, new
        {
            id = webhook.Id, product = webhook.Product, url = webhook.Url.AbsoluteUri,
            events = JsonSerializer.Serialize(webhook.Events), at, who = webhook.CreatedBy,
        });
        AuditLog.Append(connection, at, webhook.CreatedBy, "webhook.add", webhook.Product, Audited(webhook));
        return true;
    }

    /// <summary>Removes it with all that waits for it; false when it was gone.</summary>
    public static bool Remove(DbConnection connection, Webhook webhook, long at, string who)
    {
        connection.Execute(EmptySql, new { id = webhook.Id });
        if (connection.Execute(RemoveSql, new { id = webhook.Id }) == 0)
            return false;
        AuditLog.Append(connection, at, who, "webhook.remove", webhook.Product, Audited(webhook));
        return true;
    }

    /// <summary>Its receiver said that it is gone: nothing more is told, and what waits is forgotten.</summary>
    public static void Disable(DbConnection connection, Webhook webhook, long at, string error)
    {
        connection.Execute(EmptySql, new { id = webhook.Id });
        if (connection.Execute(DisableSql, new { id = webhook.Id, at, error }) > 0)
            AuditLog.Append(connection, at, "server", "webhook.disable", webhook.Product, Audited(webhook));
    }

    /// <summary>False when it waited no more, as for all three.</summary>
    public static bool Delivered(DbConnection connection, Waiting told, long at)
    {
        var rows = connection.Execute(DoneSql, new { number = told.Number });
        connection.Execute(DeliveredSql, new { rows, at, id = told.Webhook });
        return rows > 0;
    }

    public static bool Postpone(DbConnection connection, Waiting told, long at, string error, DateTimeOffset due)
    {
        var rows = connection.Execute(LaterSql, new { number = told.Number, due = due.ToUnixTimeMilliseconds() });
        connection.Execute(FailedSql, new { at, error, id = told.Webhook });
        return rows > 0;
    }

    public static bool GiveUp(DbConnection connection, Waiting told, long at, string error)
    {
        var rows = connection.Execute(DoneSql, new { number = told.Number });
        connection.Execute(GivenUpSql, new { rows, at, error, id = told.Webhook });
        return rows > 0;
    }

    // Never the query: the audit log is kept for good.
    private static string Audited(Webhook webhook) => $"{webhook.Id} to {WebhookAddress.Shown(webhook.Url)}";

    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Product { get; init; } = "";

        public string Url { get; init; } = "";

        public string Events { get; init; } = "";

        public long Created { get; init; }

        public string CreatedBy { get; init; } = "";

        public long? Disabled { get; init; }

        public long Queued { get; init; }

        public long GivenUp { get; init; }

        public long? LastDelivered { get; init; }

        public long? LastFailed { get; init; }

        public string? LastError { get; init; }

        public Webhook ToWebhook() => new(
            Id,
            Product,
            new Uri(Url),
            JsonSerializer.Deserialize<string[]>(Events)!,
            DateTimeOffset.FromUnixTimeMilliseconds(Created),
            CreatedBy,
            Disabled is { } disabled ? DateTimeOffset.FromUnixTimeMilliseconds(disabled) : null,
            Queued,
            GivenUp,
            LastDelivered is { } delivered ? DateTimeOffset.FromUnixTimeMilliseconds(delivered) : null,
            LastFailed is { } failed ? DateTimeOffset.FromUnixTimeMilliseconds(failed) : null,
            LastError);
    }
}
