using Ota.Images;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Server.Rollouts;
using Ota.Server.Settings;
using Ota.Signing;

namespace Ota.Server.Releases;

/// <summary>Why a build was not taken: a stable name and a sentence that says what is wrong.</summary>
internal sealed record IntakeRefusal(int Status, string Name, string Reason);

/// <summary>What became of a build that was sent: a release (new or there already) or a refusal.</summary>
internal sealed record IntakeResult(Release? Release, Added? Added, IntakeRefusal? Refusal);

/// <summary>
/// The one way into the server for a build, by upload or drop folder: statement, then bytes, then what the bytes say of themselves, then the
/// image, then the row. Whatever stops it in between leaves nothing that anyone can see.
/// </summary>
internal sealed partial class ReleaseIntake(
    IImageStore images,
    ImageClaims claims,
    ReleaseCatalog releases,
    RolloutBoard rollouts,
    ServerSettings settings,
    TimeProvider time,
    ILogger<ReleaseIntake> logger)
{
    /// <summary>Checks a statement against the product: who signed, for whom, on what.</summary>
    public VerifiedStatement? CheckStatement(Product product, string compact, out IntakeRefusal? refusal)
    {
        refusal = null;
        if (ReleaseStatement.Verify(compact, product.ReleaseKeys, out var reason) is not { } verified)
        {
            refusal = new IntakeRefusal(422, "statement", reason);
            return null;
        }

        var statement = verified.Statement;
        refusal = statement switch
        {
            _ when statement.Product != product.Name =>
                new(422, "statement", $"The statement is for product '{statement.Product}', not '{product.Name}'."),
            _ when statement.Hardware.FirstOrDefault(hardware => !product.Hardware.Contains(hardware)) is { } other =>
                new(422, "hardware", $"The statement names hardware '{other}'; product '{product.Name}' exists on {string.Join(", ", product.Hardware)}."),
            _ when statement.Image.Size > settings.MaximumImageSize => TooLarge(statement.Image.Size),
            _ => null,
        };
        return refusal is null ? verified : null;
    }

    /// <summary>Takes the bytes that belong to a checked statement.</summary>
    public async Task<IntakeResult> TakeAsync(
        Product product, VerifiedStatement verified, Stream bytes, string channel, string who, CancellationToken cancellation)
    {
        var stated = verified.Statement.Image;
        // Before its first byte: what is on its way is not removed under it, nor between the file and the row.
        using var claim = await claims.ForUploadAsync(stated.Sha256, cancellation);
        var received = await images.StageAsync(bytes, stated, settings.MaximumImageSize, cancellation);
        if (received.Image is not { } staged)
        {
            return Refuse(received.Refusal == StageRefusal.LargerThanAllowed
                ? TooLarge(stated.Size)
                : new IntakeRefusal(422, "digest", $"The image has more bytes than the {stated.Size} its statement says."));
        }

        await using (staged)
        {
            if (ImagePolicy.CheckBytes(stated, staged.Description) is { } difference)
                return Refuse(new IntakeRefusal(422, "digest", difference));
            ImageFacts facts;
            await using (var image = staged.OpenRead())
                facts = ImageInspector.Inspect(image);
            if (ImagePolicy.Check(verified.Statement, facts) is { } contradiction)
                return Refuse(new IntakeRefusal(422, "image", contradiction));

            var described = Describe(product, verified, facts, channel, who);
            // Before the image is kept: a refused build should leave none behind. The row decides, should two come at once.
            switch (releases.Standing(described, product))
            {
                case (Added.Conflict, var other):
                    return Refuse(VersionExists(other));
                case (Added.AlreadyThere, { Withdrawn: not null } withdrawn):
                    return new IntakeResult(withdrawn, Added.AlreadyThere, Refusal: null);
            }

            var broughtBack = releases.All().Where(there => there.Image is { Deleted: not null, Sha256: var image } && image == stated.Sha256)
                .Select(there => there.Product).Distinct().ToArray();
            await images.CommitAsync(staged, cancellation);
            var (added, release) = await releases.AddAsync(described, product, cancellation);
            if (added == Added.Conflict)
                return Refuse(VersionExists(release));
            // A rollout may stand without a build for this hardware, or without this image.
            foreach (var name in added == Added.New ? broughtBack.Append(product.Name).Distinct() : broughtBack)
                rollouts.Renew(name);
            if (added == Added.New || broughtBack.Length > 0)
            {
                Log.Taken(logger, release.Product, release.Version, release.Image.Size, who);
            }

            return new IntakeResult(release, added, Refusal: null);
        }
    }

    private Release Describe(Product product, VerifiedStatement verified, ImageFacts facts, string channel, string who)
    {
        var statement = verified.Statement;
        return new Release(
            verified.Hash,
            product.Name,
            statement.Version,
            statement.Kind,
            statement.Hardware,
            statement.SecurityCounter,
            channel,
            statement.Notes,
            verified.Compact,
            new ReleaseImage(statement.Image.Sha256, statement.Image.Md5, statement.Image.Size, statement.Image.Format),
            facts,
            verified.Signer.Id,
            DateTimeOffset.FromUnixTimeSeconds(statement.Created),
            DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()),
            who,
            Withdrawn: null,
            WithdrawnReason: null);
    }

    private static IntakeRefusal VersionExists(Release there) =>
        new(409, "version-exists",
            $"There is already another build of {there.Product} {there.Version} for {string.Join(", ", there.Hardware)} "
            + $"(SHA-256 {there.Image.Sha256[..12]}…, security counter {there.SecurityCounter}). Give this build a version of its own.");

    private IntakeRefusal TooLarge(long size) =>
        new(413, "too-large", $"The image has {size} bytes; this server takes at most {settings.MaximumImageSize} (setting MaximumImageSizeMiB).");

    private static IntakeResult Refuse(IntakeRefusal refusal) => new(Release: null, Added: null, refusal);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Took {Product} {Version}, {Size} bytes, from {Who}.")]
        public static partial void Taken(ILogger logger, string product, string version, long size, string who);
    }
}
