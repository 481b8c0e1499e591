using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using Dapper;
using Ota.Images;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Signing;

namespace Ota.Server.Releases;

/// <summary>What adding a release came to.</summary>
internal enum Added
{
    New,

    /// <summary>The same build was there; what was sent again changed nothing.</summary>
    AlreadyThere,

    /// <summary>Another build has this version for this hardware.</summary>
    Conflict,

    /// <summary>The same build was there, signed by a key that is no longer trusted; the new signature takes its place.</summary>
    SignedAnew,
}

/// <summary>All releases: in memory for every decision, in the database for good.</summary>
internal sealed class ReleaseCatalog(Database database, TimeProvider time)
{
    private const string AllSql =
        """
        SELECT r.id, r.product, r.version, r.kind, r.hardware, r.security_counter, r.channel, r.notes, r.statement, r.image,
               r.image_says, r.signed_by, r.created, r.uploaded, r.uploaded_by, r.withdrawn, r.withdrawn_reason,
               i.md5, i.size, i.format
        FROM releases r JOIN images i ON i.sha256 = r.image ORDER BY r.uploaded
        """;

    private const string AddImageSql =
        """
        INSERT INTO images (sha256, md5, size, format, stored) VALUES (@Sha256, @Md5, @Size, @Format, @stored)
        ON CONFLICT (sha256) DO NOTHING
        """;

    private const string AddSql =
        """
        INSERT INTO releases (id, product, version, kind, hardware, security_counter, channel, notes, statement, image, image_says,
                              signed_by, created, uploaded, uploaded_by)
        VALUES (@Id, @Product, @Version, @Kind, @hardware, @SecurityCounter, @Channel, @Notes, @Statement, @image, @says,
                @SignedBy, @created, @uploaded, @UploadedBy)
        """;

    private const string TakenSql =
        "SELECT count(*) FROM release_builds WHERE product = @Product AND version = @Version AND kind = @Kind AND hardware = @hardware";

    private const string AddBuildSql =
        "INSERT INTO release_builds (product, version, kind, hardware, release) VALUES (@Product, @Version, @Kind, @hardware, @Id)";

    private const string SignedAnewSql =
        "UPDATE release_builds SET release = @Id WHERE product = @Product AND version = @Version AND kind = @Kind AND hardware = @hardware";

    private const string WithdrawSql =
        "UPDATE releases SET withdrawn = @now, withdrawn_reason = @reason WHERE id = @id AND withdrawn IS NULL";

    private readonly Lock _change = new();
    private ImmutableDictionary<string, Release> _byId = ImmutableDictionary.Create<string, Release>(StringComparer.Ordinal);

    public void Load()
    {
        var rows = database.Read(connection => connection.Query<Row>(AllSql).AsList());
        _byId = rows.Select(row => row.ToRelease()).ToImmutableDictionary(release => release.Id, StringComparer.Ordinal);
    }

    public Release? Find(string? id) => id is null ? null : _byId.GetValueOrDefault(id);

    /// <summary>Newest first.</summary>
    public IReadOnlyList<Release> Of(string product) =>
        [.. _byId.Values.Where(release => release.Product == product).OrderByDescending(release => release.Uploaded)];

    /// <summary>The builds of one version, each as it was signed last; null for a filter means any.</summary>
    public IReadOnlyList<Release> Builds(string product, string version, string? hardware, string? kind)
    {
        var signed = _byId.Values.Where(release => release.Product == product && release.Version == version).ToArray();
        return [.. signed.Where(release => (hardware is null || release.Hardware.Contains(hardware)) && (kind is null || release.Kind == kind)
            && !signed.Any(later => later.Uploaded > release.Uploaded && IsSameBuild(later, release)))];
    }

    /// <summary>The image as a device of this product may fetch it: null when no release of the product that is not withdrawn has it.</summary>
    public ReleaseImage? ImageFor(string sha256, string? product) =>
        _byId.Values.FirstOrDefault(release => release.Image.Sha256 == sha256
            && (product is null || (release.Product == product && release.Withdrawn is null)))?.Image;

    /// <summary>Records a release whose image is in the store already; with it, the audit line.</summary>
    public async Task<(Added Outcome, Release There)> AddAsync(Release release, Product product, CancellationToken cancellation)
    {
        var known = Standing(release, product);
        if (known is { Outcome: not Added.SignedAnew } there)
            return there;
        var isNew = await database.WriteAsync(
            connection =>
            {
                if (known is var (_, before))
                    return Replace(connection, before, release);
                if (release.Hardware.Any(hardware => connection.ExecuteScalar<long>(
                    TakenSql, new { release.Product, release.Version, release.Kind, hardware }) > 0))
                    return false;
                Insert(connection, release);
                return true;
            },
            cancellation);
        if (isNew)
        {
            lock (_change)
            {
                _byId = _byId.SetItem(release.Id, release);
                if (known is var (_, before))
                    _byId = _byId.SetItem(before.Id, before with { Withdrawn = release.Uploaded, WithdrawnReason = Successor(release) });
            }

            return (Added.New, release);
        }

        // Another upload of this version was faster; it is on disk and will be in memory when Load returns.
        lock (_change)
            Load();
        return Standing(release, product) is { Outcome: not Added.SignedAnew } faster ? faster : (Added.Conflict, release);
    }

    /// <summary>Withdraws a release; devices that run it keep it, nobody is offered it again.</summary>
    public async Task<Release> WithdrawAsync(Release release, string? reason, string who, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await database.WriteAsync(
            connection =>
            {
                var at = now.ToUnixTimeMilliseconds();
                if (connection.Execute(WithdrawSql, new { id = release.Id, now = at, reason }) > 0)
                    AuditLog.Append(connection, at, who, "release.withdraw", $"{release.Product} {release.Version}", reason);
            },
            cancellation);
        var withdrawn = release with { Withdrawn = release.Withdrawn ?? now, WithdrawnReason = release.WithdrawnReason ?? reason };
        lock (_change)
            _byId = _byId.SetItem(release.Id, withdrawn);
        return withdrawn;
    }

    /// <summary>Puts a build in the place of the same one whose signature is worth nothing any more; false when that was withdrawn meanwhile.</summary>
    private static bool Replace(DbConnection connection, Release before, Release release)
    {
        var at = release.Uploaded.ToUnixTimeMilliseconds();
        if (connection.Execute(WithdrawSql, new { id = before.Id, now = at, reason = Successor(release) }) == 0)
            return false;
        Insert(connection, release, SignedAnewSql);
        return true;
    }

    private static string Successor(Release release) => "signed anew by key " + release.SignedBy;

    private static void Insert(DbConnection connection, Release release, string buildSql = AddBuildSql)
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
        });
        foreach (var hardware in release.Hardware)
            connection.Execute(buildSql, new { release.Product, release.Version, release.Kind, hardware, release.Id });
        AuditLog.Append(connection, uploaded, release.UploadedBy, "release.add", $"{release.Product} {release.Version}", release.Id);
    }

    /// <summary>How a release stands to the one with its version, kind and some of its hardware; null when there is none.</summary>
    public (Added Outcome, Release There)? Standing(Release release, Product product)
    {
        if (_byId.Values.Where(there => there.Product == release.Product && there.Version == release.Version
                && there.Kind == release.Kind && there.Hardware.Intersect(release.Hardware).Any())
            .MaxBy(there => there.Uploaded) is not { } other)
            return null;
        if (!IsSameBuild(other, release))
            return (Added.Conflict, other);
        return (other.Withdrawn is null && !product.Trusts(other.SignedBy) ? Added.SignedAnew : Added.AlreadyThere, other);
    }

    // Signed again, a build has another date and so another id; what it promises is the same, and so it is the same build.
    private static bool IsSameBuild(Release one, Release other) =>
        one.Image.Sha256 == other.Image.Sha256
        && one.Kind == other.Kind
        && one.SecurityCounter == other.SecurityCounter
        && one.Hardware.ToHashSet().SetEquals(other.Hardware);

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

        public string Md5 { get; init; } = "";

        public long Size { get; init; }

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
            new ReleaseImage(Image, Md5, Size, Format),
            JsonSerializer.Deserialize(ImageSays, ReleaseJson.Default.ImageFacts)!,
            SignedBy,
            DateTimeOffset.FromUnixTimeMilliseconds(Created),
            DateTimeOffset.FromUnixTimeMilliseconds(Uploaded),
            UploadedBy,
            Withdrawn is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            WithdrawnReason);
    }
}
