using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Products;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.Server.Tests.Products;

public class KeyRotationTests : IAsyncLifetime
{
    private static readonly ReleaseKey Present = Vectors.Key("TEST-ONLY-release-key.pub.pem");
    private static readonly ReleaseKey Next = Vectors.Key("TEST-ONLY-next-release-key.pub.pem");
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    public static TheoryData<string, string> Refusals => new()
    {
        { Statement("null"), "1 to 8 keys" },
        { Statement("[]"), "1 to 8 keys" },
        { Statement("[null]"), "RSA-3072" },
        { Statement("""[{"e":"AQAB"}]"""), "RSA-3072" },
        { Statement("""[{"n":null,"e":"AQAB"}]"""), "RSA-3072" },
        { Statement("""[{"n":"AA==","e":"AQAB"}]"""), "RSA-3072" },
        { Statement(Keys(Next.Modulus, Next.Modulus)), "twice" },
        { Statement(Keys([.. Next.Modulus[..^1], 0x0a])), "RSA-3072" },
        { Statement(Keys(Next.Modulus), created: "253402300800"), "created" },
        { Statement(Keys(Next.Modulus), created: "-1"), "created" },
        { Statement(Keys(Next.Modulus), counter: "0"), "counter" },
        { Statement(Keys(Next.Modulus), counter: "2147483648"), "counter" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_key_statement_that_makes_no_sense_is_refused_though_a_trusted_key_signed_it(string json, string says)
    {
        using var answer = await PostAsync(Jws.SignRs256(JwsKind.Keys, Encoding.UTF8.GetBytes(json), RunningServer.ReleaseKey));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains(says, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(0, Kettle().KeyCounter);
    }

    [Fact]
    public async Task Of_rotations_at_once_that_take_their_signer_away_exactly_one_wins()
    {
        var answers = await RotateAtOnceAsync(Next);

        Assert.Single(answers, answer => answer.Value == HttpStatusCode.OK);
        Assert.All(answers.Values, status => Assert.Contains(
            status, new[] { HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.UnprocessableEntity }));
    }

    [Fact]
    public async Task Of_rotations_at_once_every_acknowledged_one_is_kept_for_the_devices_that_need_it()
    {
        var answers = await RotateAtOnceAsync(Present, Next);

        var acknowledged = answers.Where(answer => answer.Value == HttpStatusCode.OK).Select(answer => answer.Key).Order().ToArray();
        Assert.NotEmpty(acknowledged);
        Assert.Equal(acknowledged, Kettle().KeyStatements.Keys.Order());
        Assert.Equal(acknowledged[^1], Kettle().KeyCounter);
        await _server.RestartAsync();
        Assert.Equal(acknowledged, Kettle().KeyStatements.Keys.Order());
    }

    [Fact]
    public async Task A_release_whose_key_was_dropped_is_marked_and_not_deployed_until_it_is_signed_anew()
    {
        var build = ABuild.Of("1.0.0");
        await _server.UploadedAsync(build);
        await _server.PostAsync("api/v1/deployments", Everyone);
        using var rotated = await PostAsync(KeyStatement.Of("kettle", 1, 1767225600, [Next]).Sign(RunningServer.ReleaseKey));
        Assert.Equal(HttpStatusCode.OK, rotated.StatusCode);
        var device = await ADevice.EnrollAsync(_server, await EnrollmentKeyAsync());
        var keys = await device.OfferedAsync();
        Assert.Equal("rotate", keys.GetProperty("action").GetString());
        device.LastOrder = keys.GetProperty("number").GetInt64();
        device.KeyCounter = 1;

        await device.HeldAsync();
        using var refused = await _server.Admin.PostAsJsonAsync("api/v1/deployments", Everyone, TestContext.Current.CancellationToken);
        var detail = await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains($"was signed by key {Present.Id}, which is no longer trusted; sign it anew", detail, StringComparison.Ordinal);
        Assert.False((await _server.GetAsync("api/v1/products/kettle/releases/1.0.0")).GetProperty("signerTrusted").GetBoolean());

        var anew = await _server.UploadedAsync(build with { Key = RunningServer.NextKey });
        await _server.PostAsync("api/v1/deployments", Everyone);
        await _server.RestartAsync();

        Assert.True((await _server.GetAsync("api/v1/products/kettle/releases/1.0.0")).GetProperty("signerTrusted").GetBoolean());
        Assert.Equal(anew.GetProperty("id").GetString(), (await device.OfferedAsync()).GetProperty("release").GetString());
    }

    private static object Everyone => new { product = "kettle", version = "1.0.0", all = true };

    private async Task<string> EnrollmentKeyAsync() =>
        (await _server.GetAsync("api/v1/products/kettle")).GetProperty("enrollmentKey").GetString()!;

    private async Task<Dictionary<int, HttpStatusCode>> RotateAtOnceAsync(params ReleaseKey[] keys)
    {
        var answers = await Task.WhenAll(Enumerable.Range(1, 8).Select(async counter =>
        {
            using var answer = await PostAsync(KeyStatement.Of("kettle", counter, 1767225600, keys).Sign(RunningServer.ReleaseKey));
            return (counter, answer.StatusCode);
        }));
        return answers.ToDictionary(answer => answer.counter, answer => answer.StatusCode);
    }

    private Task<HttpResponseMessage> PostAsync(string compact) => _server.Admin.PostAsync(
        "api/v1/products/kettle/key-statements", new StringContent(compact, Encoding.ASCII, "application/jose"));

    private Product Kettle() => _server.App.Services.GetRequiredService<ProductCatalog>().Find("kettle")!;

    private static string Statement(string keys, string counter = "1", string created = "1767225600") =>
        $$"""{"product":"kettle","counter":{{counter}},"created":{{created}},"keys":{{keys}}}""";

    private static string Keys(params byte[][] moduli) =>
        JsonSerializer.Serialize(moduli.Select(modulus => new { n = Base64Url.EncodeToString(modulus), e = "AQAB" }));
}
