using System.Data.Common;
using System.Globalization;
using Dapper;
using Ota.Server.Audit;
using Ota.Server.Data;

namespace Ota.Server.Releases;

/// <summary>What a decision knew of: a later order or rollout undoes it.</summary>
/// <param name="Instruction">The highest number of a deployment.</param>
/// <param name="Rollouts">Those that are not over.</param>
internal sealed record Seen(long Instruction, IReadOnlyCollection<long> Rollouts);

/// <summary>What becomes of images' files, in the rows that name them.</summary>
internal static class ImageTable
{
    // An upload, an order or a rollout that came after the decision undoes it: whoever was told "ordered" gets the image. A rollout that is
    // held may go on.
    private const string GiveUpSql =
        """
        UPDATE images SET deleted = @now WHERE sha256 = @image AND deleted IS NULL
           AND (SELECT count(*) FROM releases WHERE image = @image) = @sharing
           AND NOT EXISTS (SELECT 1 FROM releases WHERE image = @image AND needed > @needed)
           AND NOT EXISTS (SELECT 1 FROM releases r JOIN deployments d ON d.release = r.id WHERE r.image = @image AND d.ended IS NULL)
           AND NOT EXISTS (SELECT 1 FROM deployments d JOIN releases r ON r.id IN (d.release, d.returns)
                           WHERE d.id > @Instruction AND r.image = @image)
           AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.image = @image AND r.step <> 0 AND r.withdrawn IS NULL)
           AND NOT EXISTS (SELECT 1 FROM rollouts o JOIN releases r ON r.product = o.product AND r.version = o.version
                           WHERE o.state NOT IN ('aborted', 'returned') AND @Rollouts NOT LIKE '%,' || o.id || ',%' AND r.image = @image)
        """;

    private const string RestoreSql = "UPDATE images SET deleted = NULL WHERE sha256 = @image";

    private const string IsGivenUpSql = "SELECT count(*) FROM images WHERE sha256 = @image AND deleted IS NOT NULL";

    private const string IsKnownSql = "SELECT count(*) FROM images WHERE sha256 = @image";

    private const string NeededSql = "UPDATE releases SET needed = @now WHERE id = @release";

    private const string LastOrderSql = "SELECT max(expires) FROM orders WHERE release = @release";

    private const string AnyGoneSql = "SELECT count(*) FROM images WHERE @images LIKE '%,' || sha256 || ',%' AND deleted IS NOT NULL";

    public static bool GiveUp(DbConnection connection, IReadOnlyList<Release> sharing, Seen seen, DateTimeOffset now)
    {
        var at = now.ToUnixTimeMilliseconds();
        var image = sharing[0].Image;
        var needed = sharing.Max(release => release.Needed)?.ToUnixTimeMilliseconds() ?? 0;
        if (connection.Execute(
            GiveUpSql,
            new { now = at, image = image.Sha256, sharing = sharing.Count, needed, seen.Instruction, Rollouts = Listed(seen.Rollouts) }) == 0)
            return false;
        foreach (var release in sharing)
        {
            AuditLog.Append(
                connection, at, "retention", "release.delete-image", $"{release.Product} {release.Version}",
                string.Create(CultureInfo.InvariantCulture, $"{image.Size} bytes, SHA-256 {image.Sha256}"));
        }

        return true;
    }

    public static bool IsGivenUp(DbConnection connection, string image) => connection.ExecuteScalar<long>(IsGivenUpSql, new { image }) == 1;

    /// <summary>True when a release names it, or has named it.</summary>
    public static bool IsKnown(DbConnection connection, string image) => connection.ExecuteScalar<long>(IsKnownSql, new { image }) > 0;

    public static void Restore(DbConnection connection, Release release, DateTimeOffset now)
    {
        connection.Execute(RestoreSql, new { image = release.Image.Sha256 });
        Needed(connection, [release.Id], now);
    }

    public static void Needed(DbConnection connection, IEnumerable<string> releases, DateTimeOffset now)
    {
        foreach (var release in releases)
            connection.ExecuteKept(NeededSql, ("@release", release), ("@now", now.ToUnixTimeMilliseconds()));
    }

    /// <summary>Until when a device that was handed an order for this release may carry it out; null when none was.</summary>
    public static DateTimeOffset? LastOrder(DbConnection connection, string release) =>
        connection.ExecuteScalar<long?>(LastOrderSql, new { release }) is { } expires ? DateTimeOffset.FromUnixTimeMilliseconds(expires) : null;

    // Between commas, as both databases can look for one of them.
    private static string Listed<T>(IEnumerable<T> all) => $",{string.Join(',', all)},";

    /// <summary>True when one of these images was given up.</summary>
    public static bool AnyGone(DbConnection connection, IReadOnlyCollection<string> images) =>
        connection.ExecuteScalar<long>(AnyGoneSql, new { images = Listed(images) }) > 0;
}
