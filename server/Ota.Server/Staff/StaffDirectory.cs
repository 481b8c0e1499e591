using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Secrets;

namespace Ota.Server.Staff;

/// <summary>What revoking a key came to.</summary>
internal enum Revocation
{
    /// <summary>It is revoked, now or since an earlier time.</summary>
    Revoked,

    NoSuchKey,

    /// <summary>It stays, or nobody could ever make a key again.</summary>
    LastAdmin,
}

/// <summary>The staff keys, in memory for authentication, in the database for good.</summary>
internal sealed class StaffDirectory(Database database, DataDirectory directory, TimeProvider time)
{
    private const string AllSql = "SELECT id, name, role, hash, created, revoked FROM staff_keys ORDER BY created, id";

    private const string AddSql =
        "INSERT INTO staff_keys (id, name, role, hash, created, created_by) VALUES (@Id, @Name, @Role, @Hash, @Created, @who)";

    // The condition stands in the statement: of two admins who revoke one another at once, one stays.
    private const string RevokeSql =
        """
        UPDATE staff_keys SET revoked = @now
        WHERE id = @id AND revoked IS NULL AND (role <> 'Admin' OR EXISTS (
            SELECT 1 FROM staff_keys other WHERE other.id <> @id AND other.role = 'Admin' AND other.revoked IS NULL))
        """;

    private readonly Lock _change = new();
    private readonly ConcurrentDictionary<string, Entry> _keys = new(StringComparer.Ordinal);

    /// <summary>Loads the keys; at the first start makes the admin key and returns the file it was written to.</summary>
    public async Task<string?> StartAsync(CancellationToken cancellation)
    {
        Load();
        if (!_keys.IsEmpty)
            return null;

        var (id, key) = StaffKeyText.New();
        // The file first: a key in the database that nobody has would lock everyone out.
        DataDirectory.WriteSecret(directory.AdminKey, key + "\n");
        await InsertAsync(id, key, "first admin", StaffRole.Admin, "first start", cancellation);
        return directory.AdminKey;
    }

    public void Load()
    {
        // Read under the lock: what was read before a key was revoked does not come after it.
        lock (_change)
        {
            foreach (var row in database.Read(connection => connection.Query<Row>(AllSql).AsList()))
                Remember(row.ToEntry());
        }
    }

    /// <summary>
    /// Makes another admin key for who owns the data folder, whatever became of the others, and returns the file it was written to.
    /// </summary>
    public async Task<string> NewAdminAsync(CancellationToken cancellation)
    {
        var (id, key) = StaffKeyText.New();
        DataDirectory.WriteSecret(directory.AdminKey, key + "\n");
        await InsertAsync(id, key, "data folder's owner", StaffRole.Admin, "--new-admin-key", cancellation);
        return directory.AdminKey;
    }

    /// <summary>Who holds this key, or null: unknown, wrong or revoked.</summary>
    public StaffKey? Authenticate(string key)
    {
        if (StaffKeyText.IdOf(key) is not { } id || !_keys.TryGetValue(id, out var entry) || entry.Key.Revoked is not null)
            return null;
        return CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(StaffKeyText.Hash(key)), Encoding.ASCII.GetBytes(entry.Hash))
            ? entry.Key
            : null;
    }

    public IReadOnlyList<StaffKey> All() => [.. _keys.Values.Select(entry => entry.Key).OrderBy(key => key.Created)];

    /// <summary>Adds a key; its text is returned this once.</summary>
    public async Task<(StaffKey Added, string Key)> AddAsync(string name, StaffRole role, string who, CancellationToken cancellation)
    {
        var (id, key) = StaffKeyText.New();
        return (await InsertAsync(id, key, name, role, who, cancellation), key);
    }

    /// <summary>Revokes a key at once, unless it is the last one of an admin; the key as it stands then.</summary>
    public async Task<(Revocation Outcome, StaffKey? Key)> RevokeAsync(string id, string who, CancellationToken cancellation)
    {
        if (!_keys.TryGetValue(id, out var entry))
            return (Revocation.NoSuchKey, null);
        if (entry.Key.Revoked is not null)
            return (Revocation.Revoked, entry.Key);
        var now = time.GetUtcNow();
        var changed = await database.WriteAsync(
            connection =>
            {
                if (connection.Execute(RevokeSql, new { id, now = now.ToUnixTimeMilliseconds() }) == 0)
                    return false;
                AuditLog.Append(connection, now.ToUnixTimeMilliseconds(), who, "staff.revoke", entry.Key.Name, id);
                return true;
            },
            cancellation);
        if (changed)
            Change(entry with { Key = entry.Key with { Revoked = now } });
        else if (database.IsShared)
            Load();
        return _keys[id].Key is { Revoked: not null } revoked ? (Revocation.Revoked, revoked) : (Revocation.LastAdmin, entry.Key);
    }

    private async Task<StaffKey> InsertAsync(
        string id, string key, string name, StaffRole role, string who, CancellationToken cancellation)
    {
        var row = new Row
        {
            Id = id,
            Name = name,
            Role = role.ToString(),
            Hash = StaffKeyText.Hash(key),
            Created = time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        await database.WriteAsync(
            connection =>
            {
                connection.Execute(AddSql, new { row.Id, row.Name, row.Role, row.Hash, row.Created, who });
                AuditLog.Append(connection, row.Created, who, "staff.add", name, $"{id} as {role.ToString().ToLowerInvariant()}");
            },
            cancellation);
        Change(row.ToEntry());
        return _keys[id].Key;
    }

    // Where several servers write, another one may have changed it before the answer to this one.
    private void Change(Entry entry)
    {
        if (database.IsShared)
            Load();
        else
            Remember(entry);
    }

    private void Remember(Entry entry)
    {
        lock (_change)
            _keys[entry.Key.Id] = entry;
    }

    private sealed record Entry(StaffKey Key, string Hash);

    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Name { get; init; } = "";

        public string Role { get; init; } = "";

        public string Hash { get; init; } = "";

        public long Created { get; init; }

        public long? Revoked { get; init; }

        public Entry ToEntry() => new(
            new StaffKey(
                Id,
                Name,
                Enum.Parse<StaffRole>(Role),
                DateTimeOffset.FromUnixTimeMilliseconds(Created),
                Revoked is { } revoked ? DateTimeOffset.FromUnixTimeMilliseconds(revoked) : null),
            Hash);
    }
}
