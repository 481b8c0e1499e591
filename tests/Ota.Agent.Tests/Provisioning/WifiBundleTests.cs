using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Provisioning;

/// <summary>A network that is sealed for one unit: who else could use it, and how often.</summary>
public sealed class WifiBundleTests
{
    private const long Now = 1767225660;

    [Theory]
    [InlineData("wifi-bundle.jws", 10, Now, null)]
    [InlineData("wifi-bundle.jws", 10, 0, null)]
    [InlineData("wifi-bundle.jws", 11, Now, "bundle-used")]
    [InlineData("wifi-bundle.jws", 12, Now, "bundle-used")]
    [InlineData("wifi-bundle.jws", 10, 1767312000, "bundle-expired")]
    [InlineData("wifi-bundle-other-device.jws", 10, Now, "bundle-device")]
    [InlineData("wifi-bundle-long-ssid.jws", 10, Now, "ssid")]
    [InlineData("order-install.jws", 6, Now, "bundle-signature")]
    public void A_bundle_opens_or_fails_at_the_right_step(string file, long highest, long now, string? step)
    {
        var bundle = WifiBundle.Open(Vectors.Text(file), Vectors.Identity, highest, now, out var fault);

        Assert.Equal(step, fault);
        Assert.Equal(step is null, bundle is not null);
        if (bundle is not null)
            Assert.Equal((11, "Küche 5G", "correct horse battery", "anna"), (bundle.Number, bundle.Content.Network.Ssid, bundle.Content.Network.Password, bundle.Content.Owner));
    }

    [Fact]
    public void A_bundle_is_never_taken_for_an_order()
    {
        Assert.Null(VerifiedOrder.Check(Vectors.Text("wifi-bundle.jws"), Vectors.Identity, 0, Now, out var fault));
        Assert.Equal("order-signature", fault.Step);
    }

    [Fact]
    public void A_bundle_with_any_sign_altered_or_cut_short_is_refused()
    {
        var bundle = Vectors.Text("wifi-bundle.jws");
        for (var i = 0; i < bundle.Length; i++)
        {
            foreach (var altered in new[] { bundle[..i], bundle[..i] + (bundle[i] == 'A' ? 'B' : 'A') + bundle[(i + 1)..] })
            {
                Assert.Null(WifiBundle.Open(altered, Vectors.Identity, 0, Now, out var fault));
                Assert.Equal("bundle-signature", fault);
            }
        }
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("{}")]
    [InlineData("""{"ssid":7}""")]
    [InlineData("""{"ssid":"a","ssid":"b"}""")]
    public void Content_that_says_no_network_is_refused(string content)
    {
        Assert.Null(WifiBundle.Open(BundleDraft.Of(11, BundleDraft.Json(content)), Vectors.Identity, 0, Now, out var fault));
        Assert.Equal("bundle-content", fault);
    }

    [Fact]
    public void The_password_cannot_be_read_from_the_bundle()
    {
        var payload = Vectors.Text("wifi-bundle.jws").Split('.')[1];

        Assert.DoesNotContain("horse", System.Text.Encoding.UTF8.GetString(Base64Url.Decode(payload)), StringComparison.Ordinal);
    }
}
