using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Secrets;
using Ota.Server.Telemetry;

namespace Ota.Server.People;

/// <summary>
/// Counts attempts to sign in, by name and by address, for all servers together. An attempt is counted before it is looked at, so that many at
/// once are no way around; a good one is taken back. A name that nobody has is counted like any other, but apart from those of people: whatever
/// strangers make up, it slows nobody down who has another name.
/// </summary>
internal sealed class SignInGuard(Database database, PeopleDirectory people, MasterSecret master, Meters meters, TimeProvider time)
{
    private readonly byte[] _key = master.WebKey("sign-in");

    private const string FindSql = "SELECT failures, at, until FROM sign_in_failures WHERE bucket = @bucket";

    private const string CountSql =
        """
        INSERT INTO sign_in_failures (bucket, failures, at, until) VALUES (@bucket, @failures, @at, @until)
        ON CONFLICT (bucket) DO UPDATE SET failures = excluded.failures, at = excluded.at, until = excluded.until
        """;

    private const string ClearSql = "DELETE FROM sign_in_failures WHERE bucket = @bucket";

    private const string TakeBackSql =
        "UPDATE sign_in_failures SET failures = failures - 1, until = 0 WHERE bucket = @bucket AND failures > 0";

    /// <summary>Null when the attempt may be made; else how long it has to wait.</summary>
    public Task<TimeSpan?> BeginAsync(string name, string address, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        string[] buckets = [OfName(name), .. OfAddress(address)];
        return database.WriteAsync<TimeSpan?>(
            connection =>
            {
                var rows = buckets.Select(bucket => Find(connection, bucket, now)).ToArray();
                var wait = Math.Max(rows[0].Until, rows[1..].Min(row => row.Until)) - now;
                if (wait > 0)
                {
                    meters.Limited("sign-in");
                    return TimeSpan.FromMilliseconds(wait);
                }

                foreach (var (bucket, row) in buckets.Zip(rows))
                {
                    var failures = row.Failures + 1;
                    var until = now + (long)SignInPolicy.WaitAfter(failures).TotalMilliseconds;
                    connection.Execute(CountSql, new { bucket, failures, at = now, until });
                }

                return null;
            },
            cancellation);
    }

    /// <summary>It was a good one. The address keeps what others of it did, or one good account would let it guess at all.</summary>
    public Task SucceededAsync(string name, string address, CancellationToken cancellation) =>
        database.WriteAsync(
            connection =>
            {
                connection.Execute(ClearSql, new { bucket = OfName(name) });
                foreach (var bucket in OfAddress(address))
                    connection.Execute(TakeBackSql, new { bucket });
            },
            cancellation);

    private static (long Failures, long Until) Find(DbConnection connection, string bucket, long now)
    {
        var row = connection.QuerySingleOrDefault<(long Failures, long At, long Until)>(FindSql, new { bucket });
        return now - row.At > SignInPolicy.Forgiven.TotalMilliseconds ? default : (row.Failures, row.Until);
    }

    private string OfName(string name) => people.Named(name) is { } person ? "person " + person.Id : "name " + Bucket("name " + Person.KeyOf(name));

    // Two, of which the one counts that says less: an address waits for another's guesses only where both have both in common.
    private string[] OfAddress(string address) => ["address " + Bucket("one " + address), "address' " + Bucket("two " + address)];

    // 65,536 of each kind: what strangers write is bounded. Under a key, so that nobody can look for names or addresses that share one.
    private string Bucket(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text))[..2]);
}
