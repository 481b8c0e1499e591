namespace Ota.Server.Releases;

/// <summary>The releases for one kind of hardware, by what a device may say of them. Whatever it says is looked up, and never kept.</summary>
internal sealed class HardwareReleases
{
    private readonly Dictionary<string, Release> _byId;
    private readonly ILookup<string, Release> _byVersion;
    private readonly ILookup<string, Release> _byImage;

    /// <param name="releases">Newest first.</param>
    public HardwareReleases(IEnumerable<Release> releases)
    {
        var all = releases.ToArray();
        _byId = all.ToDictionary(release => release.Id, StringComparer.Ordinal);
        _byVersion = all.ToLookup(release => release.Version, StringComparer.Ordinal);
        _byImage = all.SelectMany(release => HashesOf(release).Select(hash => (Hash: hash, Release: release)))
            .ToLookup(pair => pair.Hash, pair => pair.Release, StringComparer.Ordinal);
    }

    public Release? Find(string? id) => id is null ? null : _byId.GetValueOrDefault(id);

    /// <summary>Newest first.</summary>
    public IEnumerable<Release> Of(string version) => _byVersion[version];

    /// <param name="hash">SHA-256 or MD5 of the image, or the SHA-256 that an application has at its end; lower-case hex.</param>
    public IEnumerable<Release> WithImage(string hash) => _byImage[hash];

    private static IEnumerable<string> HashesOf(Release release) =>
        new[] { release.Image.Sha256, release.Image.Md5, release.ImageSays.Digest }.OfType<string>().Distinct();
}
