using NuGet.Versioning;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>What a client that is not ours says when it asks. All of it may be missing.</summary>
/// <param name="Version">What it says it runs, in whatever spelling.</param>
/// <param name="Image">Hash of the image that it says it runs: SHA-256 or MD5, hex of any case.</param>
/// <param name="Rssi">dBm; 0 when it does not say.</param>
/// <param name="RestartCause">Why it last started: with an uptime, told every time; without one, told once after each start.</param>
/// <param name="Uptime">Seconds.</param>
/// <param name="FreeMemory">Bytes; 0 when it does not say.</param>
internal sealed record ClientSays(
    string? Version, string? Image = null, int Rssi = 0, string? RestartCause = null, long? Uptime = null, long FreeMemory = 0)
{
    /// <summary>See <see cref="CheckIn.IsBusy"/>.</summary>
    public bool IsBusy { get; init; }

    /// <summary>See <see cref="CheckIn.IsLooking"/>.</summary>
    public bool IsLooking { get; init; }

    /// <summary>See <see cref="CheckIn.Shown"/>.</summary>
    public long Shown { get; init; }
}

/// <summary>
/// Makes a check-in of what a client says that is not ours: it runs a confirmed slot, of the release that its version or the hash of its image
/// names. Pure: no clock, no database, no HTTP.
/// </summary>
internal static class ClientCheckIn
{
    /// <summary>The version of a client that never said one.</summary>
    public const string UnknownVersion = "0.0.0-unknown";

    /// <summary>A version for a sentence.</summary>
    public static string Shown(string version) => version == UnknownVersion ? "a version that nobody knows" : version;

    public static CheckIn Of(Device device, Product product, ClientSays says, HardwareReleases releases, DateTimeOffset now)
    {
        var last = device.Heard;
        var image = says.Image?.ToLowerInvariant() is { } hash && (Names.IsHex(hash, 64) || Names.IsHex(hash, 32)) ? hash : null;
        var (version, release, tells) = Runs(device, says, image, releases);
        return new CheckIn(
            version,
            release?.Id,
            SlotState.Confirmed,
            release?.SecurityCounter ?? last?.CheckIn.SecurityCounter ?? 0,
            LastOrder: 0,
            Cleared: 0,
            product.KeyCounter,
            Started(last, says, now),
            Math.Clamp(says.Uptime ?? 0, 0, uint.MaxValue),
            says.Rssi is >= -200 and <= 50 ? says.Rssi : 0,
            Math.Clamp(says.FreeMemory, 0, uint.MaxValue),
            device.Hardware)
        {
            Tells = tells,
            ToldImage = image,
            IsBusy = says.IsBusy,
            IsLooking = says.IsLooking,
            Shown = says.Shown,
        };
    }

    // The version first: an updater may patch, unpack or cut what it writes, and hash that.
    private static (string Version, Release? Release, Telling Tells) Runs(
        Device device, ClientSays says, string? image, HardwareReleases releases)
    {
        if (!string.IsNullOrWhiteSpace(says.Version))
        {
            var spelled = Spelled(says.Version.Trim());
            return (spelled, Among(releases.Of(spelled), device), Telling.Version);
        }

        if (image is not null && Among(releases.WithImage(image), device) is { } found)
            return (found.Version, found, Telling.Version);

        var last = device.Heard?.CheckIn;
        // What has not changed since is what it was.
        if (image is not null && image == device.ToldImage && last is not null)
            return (last.Running, Taken(device, releases), Telling.Version);
        return !says.IsBusy && releases.Find(FetchedOf(device.Open)) is { } fetched
            ? (fetched.Version, fetched, Telling.Nothing)
            : (last?.Running ?? UnknownVersion, Taken(device, releases), Telling.Nothing);
    }

    // What the client fetched last, all of it.
    private static string? FetchedOf(Deployment? open) => open switch
    {
        { State: DeploymentState.Downloaded or DeploymentState.Trial } => open.Release,
        { IsTwoStep: true, State: DeploymentState.AwaitingReturn, Fetches: > 0 } => open.Returns,
        _ => null,
    };

    // What it was last taken to run; not what it is ordered, as who ordered it did not think so.
    private static Release? Taken(Device device, HardwareReleases releases) =>
        device.Heard?.CheckIn.Release is { } release && release != device.Open?.Release ? releases.Find(release) : null;

    // There may be an application and a recovery build of one version, a build signed anew, or the same image twice.
    private static Release? Among(IEnumerable<Release> candidates, Device device)
    {
        Release? standing = null, last = null, any = null;
        foreach (var release in candidates)
        {
            if (release.Id == device.Open?.Release || release.Id == device.Open?.Returns)
                return release;
            any ??= release;
            if (release is { Withdrawn: null, Kind: ReleaseStatement.ApplicationKind })
                standing ??= release;
            if (release.Id == device.Heard?.CheckIn.Release)
                last = release;
        }

        return standing ?? last ?? any;
    }

    /// <summary>A version as releases spell it: <c>v1.2</c> is <c>1.2.0</c>.</summary>
    public static string Spelled(string version)
    {
        if (Names.VersionFault(version) is null)
            return version;
        if (version.Length > 64 || !NuGetVersion.TryParse(version.TrimStart('v', 'V'), out var parsed))
            return UnknownVersion;
        var three = new SemanticVersion(parsed.Major, parsed.Minor, parsed.Patch, parsed.ReleaseLabels, metadata: null).ToNormalizedString();
        return Names.VersionFault(three) is null ? three : UnknownVersion;
    }

    private static Restart Started(Heard? last, ClientSays says, DateTimeOffset now)
    {
        var before = last?.CheckIn.Restart ?? new Restart("power-or-unknown", 0, 0);
        // A second for the time that an ask takes.
        var isNew = says.Uptime is { } uptime
            ? last is null || now.AddSeconds(-Math.Clamp(uptime, 0, uint.MaxValue)) > last.At.AddSeconds(1)
            : says.RestartCause is not null;
        if (!isNew)
            return before;
        var cause = CheckIn.Causes.FirstOrDefault(cause => cause == says.RestartCause) ?? "power-or-unknown";
        var at = says.Uptime is { } since ? now.ToUnixTimeSeconds() - Math.Clamp(since, 0, uint.MaxValue) : 0;
        return new Restart(cause, Math.Max(0, at), before.Count + 1);
    }
}
