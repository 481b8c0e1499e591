using System.Data.Common;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.People;

/// <summary>The rows of people. What makes a person's codes is sealed: a stolen database opens no session.</summary>
internal sealed class PersonTable(MasterSecret master)
{
    private const string AllSql =
        "SELECT id, name, role, password, stamp, totp, totp_step, recovery_codes, created, disabled, issuer, subject FROM people";

    private const string InsertSql =
        """
        INSERT INTO people (id, name, name_key, role, password, stamp, totp, totp_step, recovery_codes, created, created_by, disabled, issuer, subject)
        VALUES (@Id, @Name, @NameKey, @Role, @Password, @Stamp, @Totp, @TotpStep, @RecoveryCodes, @Created, @who, NULL, @Issuer, @Subject)
        ON CONFLICT (name_key) DO NOTHING
        """;

    private const string UpdateSql =
        """
        UPDATE people SET role = @Role, password = @Password, stamp = @Stamp, totp = @Totp, totp_step = @TotpStep,
               recovery_codes = @RecoveryCodes, disabled = @Disabled
        WHERE id = @Id
        """;

    private readonly byte[] _key = master.WebKey("totp");

    public IReadOnlyList<Person> All(DbConnection connection) => [.. connection.Query<Row>(AllSql).Select(ToPerson)];

    public Person? Find(DbConnection connection, string id) =>
        connection.QuerySingleOrDefault<Row>(AllSql + " WHERE id = @id", new { id }) is { } row ? ToPerson(row) : null;

    public Person? FindByAccount(DbConnection connection, ProviderAccount account) =>
        connection.QuerySingleOrDefault<Row>(AllSql + " WHERE issuer = @Issuer AND subject = @Subject", account) is { } row ? ToPerson(row) : null;

    /// <summary>False when the name is taken.</summary>
    public bool Insert(DbConnection connection, Person person, string who)
    {
        var row = ToRow(person);
        return connection.Execute(InsertSql, new
        {
            row.Id, row.Name, NameKey = Person.KeyOf(row.Name), row.Role, row.Password, row.Stamp, row.Totp, row.TotpStep, row.RecoveryCodes, row.Created, who,
            row.Issuer, row.Subject,
        }) > 0;
    }

    public void Update(DbConnection connection, Person person) => connection.Execute(UpdateSql, ToRow(person));

    private Row ToRow(Person person) => new()
    {
        Id = person.Id,
        Name = person.Name,
        Role = person.Role.ToString(),
        Password = person.Password,
        Stamp = person.Stamp,
        Totp = person.Totp is null ? null : Convert.ToBase64String(Sealed.Seal(Totp.Text(person.Totp), person.Name, _key)),
        TotpStep = person.TotpStep,
        RecoveryCodes = string.Join(' ', person.RecoveryCodes),
        Created = person.Created.ToUnixTimeMilliseconds(),
        Disabled = person.Disabled?.ToUnixTimeMilliseconds(),
        Issuer = person.Account?.Issuer,
        Subject = person.Account?.Subject,
    };

    private Person ToPerson(Row row) => new(
        row.Id,
        row.Name,
        Enum.Parse<StaffRole>(row.Role),
        row.Password,
        row.Stamp,
        row.Totp is null ? null : Totp.Read(Sealed.Open(Convert.FromBase64String(row.Totp), row.Name, _key)),
        row.TotpStep,
        row.RecoveryCodes.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        DateTimeOffset.FromUnixTimeMilliseconds(row.Created),
        row.Disabled is { } disabled ? DateTimeOffset.FromUnixTimeMilliseconds(disabled) : null,
        row is { Issuer: { } issuer, Subject: { } subject } ? new ProviderAccount(issuer, subject) : null);

    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Name { get; init; } = "";

        public string Role { get; init; } = "";

        public string? Password { get; init; }

        public string Stamp { get; init; } = "";

        public string? Totp { get; init; }

        public long TotpStep { get; init; }

        public string RecoveryCodes { get; init; } = "";

        public long Created { get; init; }

        public long? Disabled { get; init; }

        public string? Issuer { get; init; }

        public string? Subject { get; init; }
    }
}
