using System.Data.Common;
using System.Security.Claims;
using Dapper;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.People.Provider;

/// <summary>What came of somebody whom the provider vouches for: their session may begin, or why not.</summary>
internal sealed record Arrival(Person? Person, string? Fault);

/// <summary>
/// The people of the provider. Somebody is who the provider's issuer and subject say, and nobody by a name or an address for mail: another may have that
/// one at the provider tomorrow.
/// </summary>
internal sealed class ProviderPeople(PeopleDirectory people, Database database, MasterSecret master, TimeProvider time)
{
    private const string By = "OpenID Connect";

    private const string ForgetSql = "DELETE FROM provider_states WHERE at < @over";

    private const string UseSql = "INSERT INTO provider_states (hash, at) VALUES (@hash, @at) ON CONFLICT DO NOTHING";

    private readonly PersonTable _table = new(master);

    /// <summary>Takes somebody in, with the role that the provider's claims give now; another role ends their other sessions.</summary>
    public async Task<Arrival> ArriveAsync(ClaimsIdentity claims, ProviderState state, StaffRole role, CancellationToken cancellation)
    {
        var account = AccountOf(claims);
        var names = ProviderPolicy.NamesFor(claims, account.Subject);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var arrival = await database.WriteAsync(connection => Arrive(connection, account, names, state, role, now), cancellation);
        if (arrival.Person is { } person)
            people.Keep(person);
        return arrival;
    }

    /// <summary>Ends the sessions of somebody to whom the provider's claims give no role any more.</summary>
    public async Task TurnAwayAsync(ClaimsIdentity claims, CancellationToken cancellation)
    {
        var account = AccountOf(claims);
        if (database.Read(connection => _table.FindByAccount(connection, account)) is { } person)
            await people.EndSessionsAsync(person, By, "has no role any more", cancellation);
    }

    private static ProviderAccount AccountOf(ClaimsIdentity claims) => new(claims.FindFirst("iss")!.Value, claims.FindFirst("sub")!.Value);

    private Arrival Arrive(
        DbConnection connection, ProviderAccount account, IEnumerable<string> names, ProviderState state, StaffRole role, DateTimeOffset now)
    {
        var at = now.ToUnixTimeMilliseconds();
        connection.Execute(ForgetSql, new { over = (now - 2 * ProviderCookie.Life).ToUnixTimeMilliseconds() });
        if (connection.Execute(UseSql, new { hash = state.StateHash, at }) == 0)
            return new Arrival(Person: null, "This answer of the provider was used already. Sign in again.");
        var person = _table.FindByAccount(connection, account);
        if (person is { Disabled: not null })
            return new Arrival(Person: null, "Your account here is disabled. Ask an admin.");
        if (person is null)
        {
            person = names.Select(name => PeopleDirectory.New(name, role, password: null, now) with { Account = account })
                .FirstOrDefault(fresh => _table.Insert(connection, fresh, By));
            if (person is null)
                return new Arrival(Person: null, "There are a hundred people of your name already. Ask an admin.");
            AuditLog.Append(connection, at, By, "person.add", person.Name, $"as {PeopleDirectory.Word(role)}, {account.Subject} of {account.Issuer}");
        }
        else if (person.Role != role)
        {
            person = person with { Role = role, Stamp = Person.NewStamp() };
            _table.Update(connection, person);
            AuditLog.Append(connection, at, By, "person.role", person.Name, "to " + PeopleDirectory.Word(role));
        }

        AuditLog.Append(connection, at, person.Name, "person.sign-in", person.Name, "by " + By);
        return new Arrival(person, Fault: null);
    }
}
