using System.Data.Common;
using System.Text.Json;
using Dapper;
using Ota.Images;
using Ota.Server.Audit;

namespace Ota.Server.Releases;

/// <summary>The rows of releases, with the images and builds that they name.</summary>
internal static class ReleaseTable
{
    private const string AllSql =
        """
        SELECT r.id, r.product, r.version, r.kind, r.hardware, r.security_counter, r.channel, r.notes, r.statement, r.image,
               r.image_says, r.signed_by, r.created, r.uploaded, r.uploaded_by, r.withdrawn, r.withdrawn_reason, r.step,
               r.needed, i.md5, i.size, i.format, i.deleted
        FROM releases r JOIN images i ON i.sha256 = r.image ORDER BY r.uploaded
        """;

    private const string AddImageSql =
        """
        INSERT INTO images (sha256, md5, size, format, stored) VALUES (@Sha256, @Md5, @Size, @Format, @stored)
        ON CONFLICT (sha256) DO UPDATE SET deleted = NULL
        """;

    private const string AddSql =
        """
        INSERT INTO releases (id, product, version, kind, hardware, security_counter, channel, notes, statement, image, image_says,
                              signed_by, created, uploaded, uploaded_by, step)
        VALUES (@Id, @Product, @Version, @Kind, @hardware, @SecurityCounter, @Channel, @Notes, @Statement, @image, @says,
                @SignedBy, @created, @uploaded, @UploadedBy, @step)
        """;

    private const string TakenSql =
        "SELECT count(*) FROM release_builds WHERE product = @Product AND version = @Version AND kind = @Kind AND hardware = @hardware";

    private const string AddBuildSql =
        "INSERT INTO release_builds (product, version, kind, hardware, release) VALUES (@Product, @Version, @Kind, @hardware, @Id)";

    private const string SignedAnewSql =
        "UPDATE release_builds SET release = @Id WHERE product = @Product AND version = @Version AND kind = @Kind AND hardware = @hardware";

    private const string WithdrawSql =
        "UPDATE releases SET withdrawn = @now, withdrawn_reason = @reason WHERE id = @id AND withdrawn IS NULL";

    private const string StepSql =
        """
        UPDATE releases SET step = @step WHERE product = @product AND version = @version AND kind = 'application' AND step <> @step
        """;

    /// <summary>In the order in which they were uploaded.</summary>
    public static IReadOnlyList<Release> All(DbConnection connection) => [.. connection.Query<Row>(AllSql).Select(row => row.ToRelease())];

    /// <summary>Whether another build has its version for some of its hardware.</summary>
    public static bool IsTaken(DbConnection connection, Release release) => release.Hardware.Any(hardware =>
        connection.ExecuteScalar<long>(TakenSql, new { release.Product, release.Version, release.Kind, hardware }) > 0);

    /// <summary>Makes a version's applications ones that devices must pass through, or no longer; false when they are so already.</summary>
    public static bool Require(DbConnection connection, string product, string version, bool isStep) =>
        connection.Execute(StepSql, new { product, version, step = isStep ? 1 : 0 }) > 0;

    /// <summary>False when it was withdrawn already.</summary>
    /// <param name="at">UTC milliseconds.</param>
    public static bool Withdraw(DbConnection connection, string id, long at, string? reason) =>
        connection.Execute(WithdrawSql, new { id, now = at, reason }) > 0;

    /// <summary>Puts a build in the place of the same one whose signature is worth nothing any more; false when that was withdrawn meanwhile.</summary>
    public static bool Replace(DbConnection connection, Release before, Release release)
    {
        var at = release.Uploaded.ToUnixTimeMilliseconds();
        if (!Withdraw(connection, before.Id, at, Successor(release)))
            return false;
        Insert(connection, release with { IsStep = before.IsStep }, SignedAnewSql);
        return true;
    }

    /// <summary>Why the one before is withdrawn when a build is signed anew.</summary>
    public static string Successor(Release release) => "signed anew by key " + release.SignedBy;

    public static void Insert(DbConnection connection, Release release) => Insert(connection, release, AddBuildSql);

    private static void Insert(DbConnection connection, Release release, string buildSql)
    {
        var uploaded = release.Uploaded.ToUnixTimeMilliseconds();
        var image = release.Image;
        connection.Execute(AddImageSql, new { image.Sha256, image.Md5, image.Size, image.Format, stored = uploaded });
        connection.Execute(AddSql, new
        {
            release.Id,
            release.Product,
            release.Version,
            release.Kind,
            hardware = JsonSerializer.Serialize(release.Hardware.ToArray(), ReleaseJson.Default.StringArray),
            release.SecurityCounter,
            release.Channel,
            release.Notes,
            release.Statement,
            image = image.Sha256,
            says = JsonSerializer.Serialize(release.ImageSays, ReleaseJson.Default.ImageFacts),
            release.SignedBy,
            created = release.Created.ToUnixTimeMilliseconds(),
            uploaded,
            release.UploadedBy,
            step = release.IsStep ? 1 : 0,
        });
        foreach (var hardware in release.Hardware)
            connection.Execute(buildSql, new { release.Product, release.Version, release.Kind, hardware, release.Id });
        AuditLog.Append(connection, uploaded, release.UploadedBy, "release.add", $"{release.Product} {release.Version}", release.Id);
    }

    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Product { get; init; } = "";

        public string Version { get; init; } = "";

        public string Kind { get; init; } = "";

        public string Hardware { get; init; } = "";

        public long SecurityCounter { get; init; }

        public string Channel { get; init; } = "";

        public string? Notes { get; init; }

        public string Statement { get; init; } = "";

        public string Image { get; init; } = "";

        public string ImageSays { get; init; } = "";

        public string SignedBy { get; init; } = "";

        public long Created { get; init; }

        public long Uploaded { get; init; }

        public string UploadedBy { get; init; } = "";

        public long? Withdrawn { get; init; }

        public string? WithdrawnReason { get; init; }

        public long? Needed { get; init; }

        public long? Deleted { get; init; }

        public string Md5 { get; init; } = "";

        public long Size { get; init; }

        public long Step { get; init; }

        public string Format { get; init; } = "";

        public Release ToRelease() => new(
            Id,
            Product,
            Version,
            Kind,
            JsonSerializer.Deserialize(Hardware, ReleaseJson.Default.StringArray)!,
            (int)SecurityCounter,
            Channel,
            Notes,
            Statement,
            new ReleaseImage(Image, Md5, Size, Format) { Deleted = Time(Deleted) },
            JsonSerializer.Deserialize(ImageSays, ReleaseJson.Default.ImageFacts)!,
            SignedBy,
            DateTimeOffset.FromUnixTimeMilliseconds(Created),
            DateTimeOffset.FromUnixTimeMilliseconds(Uploaded),
            UploadedBy,
            Time(Withdrawn),
            WithdrawnReason)
        {
            IsStep = Step != 0,
            Needed = Time(Needed),
        };

        private static DateTimeOffset? Time(long? at) => at is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known) : null;
    }
}
