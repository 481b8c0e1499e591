using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using Dapper;
using Ota.Images;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Server.Rollouts.Filters;
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
               r.image_says, r.signed_by, r.created, r.uploaded, r.uploaded_by, r.withdrawn, r.withdrawn_reason, r.step,
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

    private readonly Lock _change = new();
    private Known _known = new(ImmutableDictionary<string, Release>.Empty);
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

    /// <summary>The builds of an application for one kind of hardware, as <see cref="Builds"/>; found without a search the second time.</summary>
    public IReadOnlyList<Release> BuildsFor(string product, string version, string hardware) =>
        Now().Builds.GetOrAdd(
            (product, version, hardware),
            static (key, catalog) => catalog.Builds(key.Product, key.Version, key.Hardware, ReleaseStatement.ApplicationKind), this);

    /// <summary>The versions that devices must pass through, lowest first.</summary>
    public IReadOnlyList<string> StepsOf(string product) =>
        Now().Steps.GetOrAdd(product, static (product, catalog) => catalog.FindSteps(product), this);

    /// <summary>Makes a version's applications ones that devices must pass through, or no longer.</summary>
    public async Task RequireAsync(string product, string version, bool isStep, string who, CancellationToken cancellation)
    {
        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        await database.WriteAsync(
            connection =>
            {
                if (connection.Execute(StepSql, new { product, version, step = isStep ? 1 : 0 }) > 0)
                    AuditLog.Append(connection, at, who, "release.step", $"{product} {version}", isStep ? "required" : "not required");
            },
            cancellation);
        lock (_change)
        {
            foreach (var release in _byId.Values.Where(release =>
                release.Product == product && release.Version == version && release.Kind == ReleaseStatement.ApplicationKind))
                _byId = _byId.SetItem(release.Id, release with { IsStep = isStep });
        }
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
                _byId = _byId.SetItem(release.Id, release with { IsStep = known?.There.IsStep ?? false });
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

    private string[] FindSteps(string product)
    {
        var steps = _byId.Values
            .Where(release => release is { IsStep: true, Withdrawn: null } && release.Product == product && VersionOrder.IsVersion(release.Version))
            .Select(release => release.Version).Distinct(StringComparer.Ordinal).ToArray();
        Array.Sort(steps, (one, other) => VersionOrder.Compare(one, other));
        return steps;
    }

    // What was found holds for the releases it was found among.
    private Known Now()
    {
        var (known, releases) = (_known, _byId);
        return ReferenceEquals(known.Among, releases) ? known : _known = new Known(releases);
    }

    /// <summary>Puts a build in the place of the same one whose signature is worth nothing any more; false when that was withdrawn meanwhile.</summary>
    private static bool Replace(DbConnection connection, Release before, Release release)
    {
        var at = release.Uploaded.ToUnixTimeMilliseconds();
        if (connection.Execute(WithdrawSql, new { id = before.Id, now = at, reason = Successor(release) }) == 0)
            return false;
        Insert(connection, release with { IsStep = before.IsStep }, SignedAnewSql);
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
            step = release.IsStep ? 1 : 0,
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

    private sealed class Known(ImmutableDictionary<string, Release> among)
    {
        public ImmutableDictionary<string, Release> Among => among;

        public ConcurrentDictionary<(string Product, string Version, string Hardware), IReadOnlyList<Release>> Builds { get; } = new();

        public ConcurrentDictionary<string, string[]> Steps { get; } = new(StringComparer.Ordinal);
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
            new ReleaseImage(Image, Md5, Size, Format),
            JsonSerializer.Deserialize(ImageSays, ReleaseJson.Default.ImageFacts)!,
            SignedBy,
            DateTimeOffset.FromUnixTimeMilliseconds(Created),
            DateTimeOffset.FromUnixTimeMilliseconds(Uploaded),
            UploadedBy,
            Withdrawn is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            WithdrawnReason)
        {
            IsStep = Step != 0,
        };
    }
}
