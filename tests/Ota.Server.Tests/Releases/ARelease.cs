using Ota.Images;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.Tests.Releases;

/// <summary>A release for policies; states what matters, the rest is good.</summary>
internal static class ARelease
{
    public const string Product = "kettle";

    /// <summary>A moment long before those at which policies are asked.</summary>
    public static readonly DateTimeOffset Past = DateTimeOffset.UnixEpoch.AddYears(50);

    public static Release Of(string version, double uploadedOnDay = 0, string? image = null) => new(
        Id: "id-" + version,
        Product,
        version,
        "application",
        ["virtual"],
        SecurityCounter: 0,
        Channel: "stable",
        Notes: null,
        Statement: "",
        new ReleaseImage(image ?? "image-" + version, Md5: "", Size: 1, Format: "raw"),
        new ImageFacts("raw"),
        SignedBy: Trusted.Id,
        Created: Past,
        Uploaded: Past.AddDays(uploadedOnDay),
        UploadedBy: "someone",
        Withdrawn: null,
        WithdrawnReason: null);

    public static Product ProductThat(ImageRetention? retention, string name = Product) => new(
        name,
        ["virtual", "esp32"],
        [Trusted],
        PollSchedule.Parse(PollSchedule.Default, out _)!,
        EnrollmentGeneration: 1,
        KeyCounter: 0,
        new Dictionary<int, string>(),
        Past)
    {
        Retention = retention,
    };

    public static ReleaseKey Trusted { get; } =
        ReleaseKey.FromPem(Vectors.Text("TEST-ONLY-release-key.pub.pem"), out _)!;
}
