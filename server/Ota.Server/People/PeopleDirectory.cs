using System.Collections.Concurrent;
using System.Data.Common;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.People;

/// <summary>The people, in memory for every request of a session, in the database for good.</summary>
internal sealed class PeopleDirectory(Database database, DataDirectory directory, MasterSecret master, TimeProvider time)
{
    private const string AnySql = "SELECT EXISTS (SELECT 1 FROM people)";

    private const string InviteSql = "INSERT INTO invitations (hash, person, expires) VALUES (@hash, @person, @expires)";

    private const string InvitationSql = "SELECT person, expires FROM invitations WHERE hash = @hash";

    private const string SpendSql = "DELETE FROM invitations WHERE hash = @hash OR person = @person";

    private const string SpendFirstSql = "DELETE FROM invitations WHERE person IS NULL";

    private static readonly TimeSpan InvitationLife = TimeSpan.FromDays(3);
    private readonly Lock _change = new();
    private readonly ConcurrentDictionary<string, Person> _people = new(StringComparer.Ordinal);
    private readonly PersonTable _table = new(master);

    /// <summary>Loads the people; while there is none, the file of the code that makes the first.</summary>
    public async Task<string?> StartAsync(CancellationToken cancellation)
    {
        Load();
        if (!_people.IsEmpty)
            return null;
        if (!File.Exists(directory.SetupCode))
            DataDirectory.WriteSecret(directory.SetupCode, NewCode() + "\n");
        var hash = HashOf(await File.ReadAllTextAsync(directory.SetupCode, cancellation));
        await database.WriteAsync(
            connection => connection.Execute(InviteSql + " ON CONFLICT DO NOTHING", new { hash, person = (string?)null, expires = (long?)null }),
            cancellation);
        return directory.SetupCode;
    }

    public void Load()
    {
        lock (_change)
        {
            foreach (var person in database.Read(_table.All))
                _people[person.Id] = person;
        }
    }

    public Person? Find(string? id) => id is null ? null : _people.GetValueOrDefault(id);

    /// <summary>Whose session this is; null when it has ended.</summary>
    public Person? Of(ClaimsPrincipal claimed) =>
        Find(claimed.FindFirstValue(ClaimTypes.NameIdentifier)) is { } person && person.IsStill(claimed, time.GetUtcNow()) ? person : null;

    /// <summary>Somebody who came, as they are on disk: nobody else is the first any more.</summary>
    public void Keep(Person person)
    {
        Remember(person.Id);
        File.Delete(directory.SetupCode);
    }

    public Person? Named(string name)
    {
        var key = Person.KeyOf(name);
        return _people.Values.FirstOrDefault(person => Person.KeyOf(person.Name) == key);
    }

    public IReadOnlyList<Person> All() => [.. _people.Values.OrderBy(person => person.Name, StringComparer.OrdinalIgnoreCase)];

    /// <summary>Adds a person and the code by which they choose a password; null when the name is taken.</summary>
    public async Task<(Person Person, string Code)?> AddAsync(string name, StaffRole role, string who, CancellationToken cancellation)
    {
        var (now, code) = (Now(), NewCode());
        var person = New(name, role, password: null, now);
        var added = await database.WriteAsync(
            connection =>
            {
                if (!_table.Insert(connection, person, who))
                    return false;
                Invite(connection, person.Id, code, now);
                AuditLog.Append(connection, now.ToUnixTimeMilliseconds(), who, "person.add", person.Name, "as " + Word(role));
                return true;
            },
            cancellation);
        if (!added)
            return null;
        Remember(person.Id);
        return (person, code);
    }

    /// <summary>Lets a person choose a new password and second factor: what they had is void, and their sessions end.</summary>
    public async Task<string> InviteAsync(Person person, string who, CancellationToken cancellation)
    {
        var code = NewCode();
        await ChangeAsync(
            person, now => now with { Password = null, Totp = null, TotpStep = 0, RecoveryCodes = [], Stamp = Person.NewStamp() },
            who, "person.invite", detail: null, cancellation, connection => Invite(connection, person.Id, code, Now()));
        return code;
    }

    public Task<Person> SetRoleAsync(Person person, StaffRole role, string who, CancellationToken cancellation) =>
        ChangeAsync(person, now => now with { Role = role, Stamp = Person.NewStamp() }, who, "person.role", "to " + Word(role), cancellation);

    public Task<Person> DisableAsync(Person person, string who, CancellationToken cancellation) =>
        ChangeAsync(person, now => now with { Disabled = now.Disabled ?? Now(), Stamp = Person.NewStamp() }, who, "person.disable", null, cancellation);

    public Task<Person> EnableAsync(Person person, string who, CancellationToken cancellation) =>
        ChangeAsync(person, now => now with { Disabled = null }, who, "person.enable", null, cancellation);

    /// <summary>A new password; the person's sessions end.</summary>
    public Task<Person> SetPasswordAsync(Person person, string hash, CancellationToken cancellation) =>
        ChangeAsync(person, now => now with { Password = hash, Stamp = Person.NewStamp() }, person.Name, "person.password", null, cancellation);

    /// <summary>Ends the person's sessions, on every machine.</summary>
    public Task<Person> EndSessionsAsync(Person person, CancellationToken cancellation) => EndSessionsAsync(person, person.Name, "everywhere", cancellation);

    /// <inheritdoc cref="EndSessionsAsync(Person, CancellationToken)"/>
    public Task<Person> EndSessionsAsync(Person person, string who, string detail, CancellationToken cancellation) =>
        ChangeAsync(person, now => now with { Stamp = Person.NewStamp() }, who, "person.sign-out", detail, cancellation);

    /// <summary>From now on a code is asked for; the recovery codes, shown this once.</summary>
    public async Task<(Person Person, IReadOnlyList<string> Codes)> SetTotpAsync(Person person, byte[] secret, long step, CancellationToken cancellation)
    {
        var codes = Enumerable.Range(0, 10).Select(_ => NewCode()[..11]).ToArray();
        var changed = await ChangeAsync(
            person, now => now with { Totp = secret, TotpStep = step, RecoveryCodes = [.. codes.Select(HashOf)], Stamp = Person.NewStamp() },
            person.Name, "person.second-factor", "on", cancellation);
        return (changed, codes);
    }

    public Task<Person> RemoveTotpAsync(Person person, CancellationToken cancellation) =>
        ChangeAsync(
            person, now => now with { Totp = null, TotpStep = 0, RecoveryCodes = [], Stamp = Person.NewStamp() },
            person.Name, "person.second-factor", "off", cancellation);

    /// <summary>
    /// Spends a code of the app or a recovery code, where one is asked for; null when it is wrong, or was used, here or at another server, and for who is
    /// not there.
    /// </summary>
    public async Task<Person?> SpendAsync(string person, string code, CancellationToken cancellation)
    {
        var plain = code.Replace(" ", "", StringComparison.Ordinal).Trim();
        var spent = await database.WriteAsync<Person?>(
            connection =>
            {
                var there = _table.Find(connection, person);
                if (there is not { Disabled: null, Totp: { } secret })
                    return there is { Disabled: null } ? there : null;
                var hash = HashOf(plain);
                var after = Totp.Accept(secret, plain, time.GetUtcNow(), there.TotpStep) is { } step ? there with { TotpStep = step }
                    : there.RecoveryCodes.Contains(hash) ? there with { RecoveryCodes = [.. there.RecoveryCodes.Where(left => left != hash)] }
                    : null;
                if (after is not null)
                    _table.Update(connection, after);
                return after;
            },
            cancellation);
        if (spent is not null)
            Remember(spent.Id);
        return spent;
    }

    /// <summary>Whom a code is for: a person who was invited, or, with an empty id, the first; null when it is none, or too old.</summary>
    public string? InvitedBy(string code)
    {
        var hash = HashOf(code);
        var found = database.Read(connection => connection.QuerySingleOrDefault<Invitation>(InvitationSql, new { hash }));
        return found is null || found.Expires < Now().ToUnixTimeMilliseconds() ? null : found.Person ?? "";
    }

    /// <summary>Spends a code: its person has this password from now on. Null when somebody was faster, or the name is not theirs.</summary>
    public async Task<Person?> AcceptAsync(string code, string name, string password, CancellationToken cancellation)
    {
        var (hash, now) = (HashOf(code), Now());
        var done = await database.WriteAsync<Person?>(
            connection =>
            {
                var invitation = connection.QuerySingleOrDefault<Invitation>(InvitationSql, new { hash });
                if (invitation is null || invitation.Expires < now.ToUnixTimeMilliseconds())
                    return null;
                Person? person;
                if (invitation.Person is null)
                {
                    person = New(name, StaffRole.Admin, password, now);
                    if (connection.ExecuteScalar<bool>(AnySql) || !_table.Insert(connection, person, "setup code"))
                        return null;
                    connection.Execute(SpendFirstSql);
                }
                else
                {
                    person = _table.Find(connection, invitation.Person);
                    if (person is null || person.Disabled is not null || Person.KeyOf(person.Name) != Person.KeyOf(name))
                        return null;
                    person = person with { Password = password, Stamp = Person.NewStamp() };
                    _table.Update(connection, person);
                    connection.Execute(SpendSql, new { hash, person = person.Id });
                }

                AuditLog.Append(connection, now.ToUnixTimeMilliseconds(), person.Name, "person.accept", person.Name,
                    invitation.Person is null ? "first person" : null);
                return person;
            },
            cancellation);
        if (done is null)
            return null;
        Keep(done);
        return done;
    }

    private async Task<Person> ChangeAsync(
        Person person, Func<Person, Person> change, string who, string action, string? detail, CancellationToken cancellation,
        Action<DbConnection>? also = null)
    {
        var at = Now().ToUnixTimeMilliseconds();
        var changed = await database.WriteAsync(
            connection =>
            {
                var after = change(_table.Find(connection, person.Id)!);
                _table.Update(connection, after);
                also?.Invoke(connection);
                AuditLog.Append(connection, at, who, action, person.Name, detail);
                return after;
            },
            cancellation);
        Remember(person.Id);
        return changed;
    }

    // Read anew, under the lock: a change that was written after this one may be in memory before it, and would be lost there.
    private void Remember(string id)
    {
        lock (_change)
            _people[id] = database.Read(connection => _table.Find(connection, id))!;
    }

    private static void Invite(DbConnection connection, string person, string code, DateTimeOffset now)
    {
        connection.Execute(SpendSql, new { hash = "", person });
        connection.Execute(InviteSql, new { hash = HashOf(code), person, expires = (now + InvitationLife).ToUnixTimeMilliseconds() });
    }

    internal static Person New(string name, StaffRole role, string? password, DateTimeOffset now) =>
        new(Person.NewId(), name.Trim(), role, password, Person.NewStamp(), Totp: null, TotpStep: 0, RecoveryCodes: [], now, Disabled: null);

    internal static string Word(StaffRole role) => role.ToString().ToLowerInvariant();

    /// <summary>Five groups of letters that are hard to mistake, 125 random bits.</summary>
    private static string NewCode() => string.Join(
        '-', Enumerable.Range(0, 5).Select(_ => RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 5)));

    // As it has that many random bits, there is nothing to guess slowly; recovery codes are guarded like passwords.
    private static string HashOf(string code) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(code.Trim().ToLowerInvariant())));

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    private sealed class Invitation
    {
        public string? Person { get; init; }

        public long? Expires { get; init; }
    }
}
