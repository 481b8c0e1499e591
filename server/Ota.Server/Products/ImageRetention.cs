namespace Ota.Server.Products;

/// <summary>How long a product's image files stay once nobody needs them; statements, hashes and the audit log stay for ever.</summary>
/// <param name="Keep">The newest so many application releases of each hardware and channel keep theirs, 1 to 1000.</param>
/// <param name="Days">1 to 3650, from the upload or from when a device last needed it, whichever is later.</param>
public sealed record ImageRetention(int Keep, int Days)
{
    /// <summary>What is wrong with it, or null.</summary>
    public string? Fault() =>
        Keep is < 1 or > 1000 ? "keep is 1 to 1000 releases."
        : Days is < 1 or > 3650 ? "days is 1 to 3650."
        : null;
}
