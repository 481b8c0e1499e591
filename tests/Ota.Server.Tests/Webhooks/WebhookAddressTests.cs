using Ota.Server.Webhooks;

namespace Ota.Server.Tests.Webhooks;

public sealed class WebhookAddressTests
{
    [Theory]
    [InlineData("https://example.com/hook", "https://example.com/hook")]
    [InlineData("https://example.com:8443/hook?token=secret", "https://example.com:8443/hook")]
    [InlineData("http://127.0.0.1:9000/hook", "http://127.0.0.1:9000/hook")]
    [InlineData("http://localhost/", "http://localhost/")]
    [InlineData("http://[::1]:9000/", "http://[::1]:9000/")]
    [InlineData("http://example.com/hook", null)]
    [InlineData("http://127.0.0.1.example.com/", null)]
    [InlineData("https://user:secret@example.com/", null)]
    [InlineData("https://user@example.com/", null)]
    [InlineData("https://example.com/#part", null)]
    [InlineData("https://", null)]
    [InlineData("ftp://example.com/", null)]
    [InlineData("file:///etc/passwd", null)]
    [InlineData("/hook", null)]
    [InlineData("https://example.com/a b", null)]
    [InlineData("https://example.com/\r\nHost: evil", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void An_address_is_https_or_on_this_machine_and_is_shown_without_its_query(string? text, string? shown)
    {
        var url = WebhookAddress.Read(text, allowsHttp: false, out var reason);

        Assert.Equal(shown, url is null ? null : WebhookAddress.Shown(url));
        Assert.Equal(url is null, reason.Length > 0);
        Assert.DoesNotContain("secret", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setting_allows_http_elsewhere_and_nothing_allows_more_than_2000_characters()
    {
        Assert.NotNull(WebhookAddress.Read("http://example.com/", allowsHttp: true, out _));
        Assert.NotNull(WebhookAddress.Read("https://example.com/" + new string('a', 1980), allowsHttp: true, out _));
        Assert.Null(WebhookAddress.Read("https://example.com/" + new string('a', 1981), allowsHttp: true, out _));
    }

    // The reference vector of the convention's own libraries (Standard Webhooks 1.0).
    [Fact]
    public void The_signature_is_that_of_the_conventions_reference()
    {
        const string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        var key = Convert.FromBase64String(secret["whsec_".Length..]);

        Assert.Equal(secret, WebhookSignature.Shown(key));
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            WebhookSignature.Of(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""));
    }
}
