using System.Collections.Concurrent;
using System.Collections.Immutable;
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
    private readonly Lock _change = new();
    private Known _known = new(ImmutableDictionary<string, Release>.Empty);
    private ImmutableDictionary<string, Release> _byId = ImmutableDictionary.Create<string, Release>(StringComparer.Ordinal);

    public void Load()
    {
        // Read under the lock: what is added meanwhile comes after it, and is not undone by what was read before.
        lock (_change)
        {
            _byId = database.Read(ReleaseTable.All).ToImmutableDictionary(release => release.Id, StringComparer.Ordinal);
        }
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

    /// <summary>Every release for one kind of hardware, of any kind and withdrawn ones too; found without a search the second time.</summary>
    public HardwareReleases ReleasesFor(string product, string hardware) =>
        Now().Hardware.GetOrAdd(
            (product, hardware),
            static (key, catalog) => new HardwareReleases(catalog.Of(key.Product).Where(release => release.Hardware.Contains(key.Hardware))), this);

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
                if (ReleaseTable.Require(connection, product, version, isStep))
                    AuditLog.Append(connection, at, who, "release.step", $"{product} {version}", isStep ? "required" : "not required");
            },
            cancellation);
        Change(() =>
        {
            foreach (var release in _byId.Values.Where(release =>
                release.Product == product && release.Version == version && release.Kind == ReleaseStatement.ApplicationKind))
                _byId = _byId.SetItem(release.Id, release with { IsStep = isStep });
        });
    }

    /// <summary>All releases of all products.</summary>
    public IReadOnlyList<Release> All() => [.. _byId.Values];

    /// <summary>
    /// The image as a device of this product may fetch it: null when no release of the product that is not withdrawn has it, or it was given up.
    /// </summary>
    public ReleaseImage? ImageFor(string sha256, string? product) =>
        _byId.Values.FirstOrDefault(release => release.Image.Sha256 == sha256 && release.Image.Deleted is null
            && (product is null || (release.Product == product && release.Withdrawn is null)))?.Image;

    /// <summary>Records a release whose image is in the store already; with it, the audit line. The same build again brings its image back.</summary>
    public async Task<(Added Outcome, Release There)> AddAsync(Release release, Product product, CancellationToken cancellation)
    {
        var known = Standing(release, product);
        if (known is { Outcome: not Added.SignedAnew } there)
            return MustRestore(there) ? (there.Outcome, await RestoreAsync(there.There, cancellation)) : there;
        var isNew = await database.WriteAsync(
            connection =>
            {
                if (known is var (_, before))
                    return ReleaseTable.Replace(connection, before, release);
                if (ReleaseTable.IsTaken(connection, release))
                    return false;
                ReleaseTable.Insert(connection, release);
                return true;
            },
            cancellation);
        if (isNew)
        {
            Change(() =>
            {
                _byId = _byId.SetItem(release.Id, release with { IsStep = known?.There.IsStep ?? false });
                if (known is var (_, before))
                    _byId = _byId.SetItem(before.Id, before with { Withdrawn = release.Uploaded, WithdrawnReason = ReleaseTable.Successor(release) });
                SetDeleted(release.Image.Sha256, deleted: null);
            });

            return (Added.New, release);
        }

        // Another upload of this version was faster; it is on disk and will be in memory when Load returns.
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
                if (ReleaseTable.Withdraw(connection, release.Id, at, reason))
                    AuditLog.Append(connection, at, who, "release.withdraw", $"{release.Product} {release.Version}", reason);
            },
            cancellation);
        Change(() =>
        {
            var there = _byId[release.Id];
            _byId = _byId.SetItem(release.Id, there with { Withdrawn = there.Withdrawn ?? now, WithdrawnReason = there.WithdrawnReason ?? reason });
        });
        return _byId[release.Id];
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

    /// <summary>
    /// Gives up an image's file in the rows that name it, unless something came to need it since <paramref name="seen"/>; false then. The file is
    /// removed afterwards: what is marked is never offered, so that a crash in between leaves nothing but room to regain.
    /// </summary>
    /// <param name="sharing">Every release that has this image.</param>
    public async Task<bool> GiveUpAsync(IReadOnlyList<Release> sharing, Seen seen, DateTimeOffset now, CancellationToken cancellation)
    {
        var image = sharing[0].Image.Sha256;
        if (!await database.WriteAsync(connection => ImageTable.GiveUp(connection, sharing, seen, now), cancellation))
            return false;
        Change(() => SetDeleted(image, now));
        return true;
    }

    /// <summary>Remembers when these were last seen to be needed.</summary>
    public async Task NeededAsync(IReadOnlyCollection<string> releases, DateTimeOffset now, CancellationToken cancellation)
    {
        await database.WriteAsync(connection => ImageTable.Needed(connection, releases, now), cancellation);
        Change(() => _byId = _byId.SetItems(releases.Select(id => KeyValuePair.Create(id, _byId[id] with { Needed = now }))));
    }

    /// <summary>The release as it is kept of which this is a statement, whenever it was signed; null when there is none.</summary>
    public Release? Kept(ReleaseStatement statement) => _byId.Values.FirstOrDefault(release =>
        release.Product == statement.Product && release.Version == statement.Version && release.Kind == statement.Kind
        && release.Image.Sha256 == statement.Image.Sha256 && release.SecurityCounter == statement.SecurityCounter
        && release.Hardware.ToHashSet().SetEquals(statement.Hardware));

    // Where several servers share the images, another one may have given it up this moment.
    private bool MustRestore((Added Outcome, Release There) known) =>
        known.Outcome == Added.AlreadyThere
        && (known.There.Image.Deleted is not null
            || (database.IsShared && database.Read(connection => ImageTable.IsGivenUp(connection, known.There.Image.Sha256))));

    // Its time begins anew, or the next look would give it up again.
    private async Task<Release> RestoreAsync(Release release, CancellationToken cancellation)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        await database.WriteAsync(connection => ImageTable.Restore(connection, release, now), cancellation);
        Change(() =>
        {
            SetDeleted(release.Image.Sha256, deleted: null);
            _byId = _byId.SetItem(release.Id, _byId[release.Id] with { Needed = now });
        });
        return _byId[release.Id];
    }

    // Where several servers write, another's change may be in memory before the answer to this one: then what is on disk is read anew.
    private void Change(Action change)
    {
        if (database.IsShared)
        {
            Load();
            return;
        }

        lock (_change)
            change();
    }

    // Under the lock. All that share the image share its fate.
    private void SetDeleted(string sha256, DateTimeOffset? deleted) =>
        _byId = _byId.SetItems(_byId.Values
            .Where(release => release.Image.Sha256 == sha256 && release.Image.Deleted != deleted)
            .Select(release => KeyValuePair.Create(release.Id, release with { Image = release.Image with { Deleted = deleted } }))
            .ToArray());

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

        public ConcurrentDictionary<(string Product, string Hardware), HardwareReleases> Hardware { get; } = new();

        public ConcurrentDictionary<string, string[]> Steps { get; } = new(StringComparer.Ordinal);
    }
}
