using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using Dapper;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Signing;

namespace Ota.Server.Products;

/// <summary>The products: in memory for every request, in the database for good.</summary>
internal sealed class ProductCatalog(Database database, TimeProvider time)
{
    private const string AllSql =
        """
        SELECT name, hardware, poll, enrollment_generation, key_counter, created, weak_signal, weak_signal_days, retention_keep, retention_days,
               system_pins, follow, blynk_cloud, dialect_enrollment, least_protection
        FROM products
        """;

    private const string KeysSql = "SELECT product, pem FROM release_keys ORDER BY product, position";

    private const string StatementsSql =
        "SELECT product, counter, statement FROM key_statements";

    private const string AddSql =
        """
        INSERT INTO products (name, hardware, poll, enrollment_generation, key_counter, created, created_by)
        VALUES (@Name, @hardware, @poll, 1, 0, @created, @who) ON CONFLICT (name) DO NOTHING
        """;

    private const string AddKeySql =
        "INSERT INTO release_keys (product, id, pem, position) VALUES (@product, @id, @pem, @position)";

    private const string RemoveKeysSql = "DELETE FROM release_keys WHERE product = @product";

    // Only from the keys that the statement was verified with: another one may have taken its signer away meanwhile.
    private const string RotateSql =
        "UPDATE products SET key_counter = @counter WHERE name = @product AND key_counter = @before AND @counter > @before";

    private const string PollSql = "UPDATE products SET poll = @poll WHERE name = @product";

    private const string SignalSql = "UPDATE products SET weak_signal = @weak, weak_signal_days = @days WHERE name = @product";

    private const string FollowSql = "UPDATE products SET follow = @follow WHERE name = @product";

    private const string RetentionSql = "UPDATE products SET retention_keep = @keep, retention_days = @days WHERE name = @product";

    private const string BlynkCloudSql = "UPDATE products SET blynk_cloud = @url WHERE name = @product";

    private const string PinsSql = "UPDATE products SET system_pins = @pins WHERE name = @product";

    private const string DialectsSql =
        "UPDATE products SET dialect_enrollment = @enrolls, least_protection = @least WHERE name = @product";

    private const string AddStatementSql =
        "INSERT INTO key_statements (product, counter, statement, received) VALUES (@product, @counter, @statement, @now)";

    private readonly Lock _change = new();
    private readonly ConcurrentDictionary<string, Product> _products = new(StringComparer.Ordinal);

    public void Load()
    {
        // Read under the lock, so that what was read last is what stays.
        lock (_change)
            Read();
    }

    private void Read()
    {
        var (rows, keys, statements) = database.Read(connection => (
            connection.Query<Row>(AllSql).AsList(),
            connection.Query<(string Product, string Pem)>(KeysSql).ToLookup(row => row.Product, row => row.Pem),
            connection.Query<(string Product, long Counter, string Statement)>(StatementsSql).ToLookup(row => row.Product)));
        foreach (var row in rows)
        {
            _products[row.Name] = new Product(
                row.Name,
                JsonSerializer.Deserialize<string[]>(row.Hardware)!,
                [.. keys[row.Name].Select(pem => ReleaseKey.FromPem(pem, out var reason) ?? throw new InvalidDataException(reason))],
                PollSchedule.Parse(row.Poll, out var fault) ?? throw new InvalidDataException(fault),
                row.EnrollmentGeneration,
                (int)row.KeyCounter,
                statements[row.Name].ToDictionary(statement => (int)statement.Counter, statement => statement.Statement),
                DateTimeOffset.FromUnixTimeMilliseconds(row.Created))
            {
                Follow = row.Follow,
                BlynkCloud = row.BlynkCloud,
                Signal = row.WeakSignal is { } weak ? new SignalPolicy((int)weak, (int)row.WeakSignalDays!) : null,
                Retention = row.RetentionKeep is { } keep ? new ImageRetention((int)keep, (int)row.RetentionDays!) : null,
                Pins = row.SystemPins is { } pins ? JsonSerializer.Deserialize<SystemPins>(pins)! : SystemPins.Usual,
                Dialects = new DialectRules(row.DialectEnrollment != 0, ProtectionWords.Parse(row.LeastProtection)),
            };
        }
    }

    public Product? Find(string? name) => name is not null && _products.TryGetValue(name, out var product) ? product : null;

    public IReadOnlyList<Product> All() => [.. _products.Values.OrderBy(product => product.Name, StringComparer.Ordinal)];

    /// <summary>Adds a product; false when one of that name was there first.</summary>
    public async Task<bool> AddAsync(Product product, string who, CancellationToken cancellation)
    {
        var created = product.Created.ToUnixTimeMilliseconds();
        var added = await database.WriteAsync(
            connection =>
            {
                var hardware = JsonSerializer.Serialize(product.Hardware);
                if (connection.Execute(AddSql, new { product.Name, hardware, poll = product.Poll.Text, created, who }) == 0)
                    return false;
                InsertKeys(connection, product.Name, product.ReleaseKeys);
                AuditLog.Append(connection, created, who, "product.add", product.Name, Ids(product.ReleaseKeys));
                return true;
            },
            cancellation);
        if (added)
            _products[product.Name] = product;
        return added;
    }

    /// <summary>
    /// Replaces a product's keys by what a key statement says that they verified; null when its counter is not above the last one's, or another
    /// statement came first.
    /// </summary>
    public async Task<Product?> RotateAsync(
        Product product, KeyStatement statement, string compact, IReadOnlyList<ReleaseKey> keys, string who, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var rotated = await database.WriteAsync(
            connection =>
            {
                if (connection.Execute(RotateSql, new { product = product.Name, counter = statement.Counter, before = product.KeyCounter }) == 0)
                    return false;
                connection.Execute(RemoveKeysSql, new { product = product.Name });
                InsertKeys(connection, product.Name, keys);
                connection.Execute(AddStatementSql, new { product = product.Name, counter = statement.Counter, statement = compact, now });
                AuditLog.Append(connection, now, who, "product.rotate-keys", product.Name, Ids(keys));
                return true;
            },
            cancellation);
        if (!rotated)
            return null;
        return Change(product.Name, there => there with
        {
            ReleaseKeys = keys,
            KeyCounter = statement.Counter,
            KeyStatements = new Dictionary<int, string>(there.KeyStatements) { [statement.Counter] = compact },
        });
    }

    /// <summary>Sets when devices ask; each is told so when it asks next.</summary>
    public Task<Product> SetPollAsync(Product product, PollSchedule poll, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.poll", poll.Text, PollSql, new { product = product.Name, poll = poll.Text }, there => there with { Poll = poll }), who, cancellation);

    /// <summary>Sets a product's patience with a weak signal, or takes it away.</summary>
    public Task<Product> SetSignalAsync(Product product, SignalPolicy? signal, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.signal",
            signal is null ? "never waits" : $"waits below {signal.WeakerThan} dBm, {signal.Days} days at most",
            SignalSql,
            new { product = product.Name, weak = signal?.WeakerThan, days = signal?.Days },
            there => there with { Signal = signal }), who, cancellation);

    /// <summary>Sets which channel rolls itself out, and how, or that none does.</summary>
    /// <param name="says">For the audit log.</param>
    public Task<Product> SetFollowAsync(Product product, string? follow, string says, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.follow", says, FollowSql, new { product = product.Name, follow }, there => there with { Follow = follow }), who, cancellation);

    /// <summary>Sets how long a product's images stay, or lets them stay for ever.</summary>
    public Task<Product> SetRetentionAsync(Product product, ImageRetention? retention, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.retention",
            retention is null ? "keeps every image" : $"keeps the newest {retention.Keep}, others {retention.Days} days",
            RetentionSql,
            new { product = product.Name, keep = retention?.Keep, days = retention?.Days },
            there => there with { Retention = retention }), who, cancellation);

    /// <summary>Sets under which numbers a product's system pins are found; null for the usual ones.</summary>
    public Task<Product> SetPinsAsync(Product product, SystemPins? pins, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.pins",
            (pins ?? SystemPins.Usual).Text,
            PinsSql,
            new { product = product.Name, pins = pins is null ? null : JsonSerializer.Serialize(pins) },
            there => there with { Pins = pins ?? SystemPins.Usual }), who, cancellation);

    /// <summary>Sets what a product allows to clients that were not written for this server.</summary>
    public Task<Product> SetDialectsAsync(Product product, DialectRules rules, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.dialects",
            rules.Text,
            DialectsSql,
            new
            {
                product = product.Name,
                enrolls = rules.Enrolls ? 1 : 0,
                least = rules.Least is { } least ? ProtectionWords.Of(least) : null,
            },
            there => there with { Dialects = rules }), who, cancellation);

    /// <summary>Sets which cloud is told of a product's devices, or that none is.</summary>
    public Task<Product> SetBlynkCloudAsync(Product product, string? url, string who, CancellationToken cancellation) =>
        SetAsync(product, new Setting(
            "product.blynk",
            url is null ? "tells no cloud" : $"tells {url}",
            BlynkCloudSql,
            new { product = product.Name, url },
            there => there with { BlynkCloud = url }), who, cancellation);

    private async Task<Product> SetAsync(Product product, Setting setting, string who, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await database.WriteAsync(
            connection =>
            {
                connection.Execute(setting.Sql, setting.Values);
                AuditLog.Append(connection, now, who, setting.Action, product.Name, setting.Says);
            },
            cancellation);
        return Change(product.Name, setting.Apply);
    }

    // One change does not undo another that came between; where several servers write, another's may be in memory before the answer to this one.
    private Product Change(string name, Func<Product, Product> change)
    {
        if (!database.IsShared)
            return _products.AddOrUpdate(name, _ => throw new InvalidOperationException("Products are never removed."), (_, there) => change(there));
        Load();
        return _products[name];
    }

    private static void InsertKeys(DbConnection connection, string product, IReadOnlyList<ReleaseKey> keys)
    {
        for (var position = 0; position < keys.Count; position++)
            connection.Execute(AddKeySql, new { product, id = keys[position].Id, pem = keys[position].Pem, position });
    }

    private static string Ids(IEnumerable<ReleaseKey> keys) => "keys " + string.Join(", ", keys.Select(key => key.Id));

    /// <param name="Action">For the audit log, with what it <paramref name="Says"/>.</param>
    /// <param name="Values">Of the statement's parameters.</param>
    private sealed record Setting(string Action, string Says, string Sql, object Values, Func<Product, Product> Apply);

    private sealed class Row
    {
        public string Name { get; init; } = "";

        public string Hardware { get; init; } = "";

        public string Poll { get; init; } = "";

        public long EnrollmentGeneration { get; init; }

        public long KeyCounter { get; init; }

        public long Created { get; init; }

        public long? WeakSignal { get; init; }

        public long? WeakSignalDays { get; init; }

        public string? Follow { get; init; }

        public string? BlynkCloud { get; init; }

        public long? RetentionKeep { get; init; }

        public long? RetentionDays { get; init; }

        public string? SystemPins { get; init; }

        public long DialectEnrollment { get; init; }

        public string? LeastProtection { get; init; }
    }
}
