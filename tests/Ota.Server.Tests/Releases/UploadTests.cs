using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Releases;

public class UploadTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(null, "--MaximumImageSizeMiB", "1");
        await _server.AddProductAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_same_build_again_succeeds_even_when_it_was_signed_anew()
    {
        var build = ABuild.Of("1.0.0");
        Assert.Equal(HttpStatusCode.Created, (await _server.UploadAsync(build)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _server.UploadAsync(build)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _server.UploadAsync(build with { Statement = build.Statement with { Created = 1767229999 } })).StatusCode);
        Assert.Equal(1, (await _server.GetAsync("api/v1/products/kettle/releases")).GetArrayLength());
    }

    [Fact]
    public async Task A_withdrawn_build_that_is_sent_again_is_refused_and_says_why_it_was_withdrawn()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { reason = "it burns" });

        using var answer = await _server.UploadAsync(ABuild.Of("1.0.0"));

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains("was withdrawn: it burns", await ProblemAsync(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_builds_of_one_version_uploaded_at_once_exactly_one_wins()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => _server.UploadAsync(ABuild.Of("1.0.0", $"build {i}"))));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        Assert.All(answers.Where(answer => answer.StatusCode != HttpStatusCode.Created), answer => Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode));
    }

    public static TheoryData<string, int, string> Refusals => new()
    {
        { "another build of this version", 409, "already another build" },
        { "signed by a stranger", 422, "fits none of the product's release keys" },
        { "for another product", 422, "for product 'teapot'" },
        { "for hardware the product is not", 422, "hardware 'esp8266'" },
        { "one byte altered", 422, "SHA-256" },
        { "one byte short", 422, "bytes, but the statement says" },
        { "one byte long", 422, "more bytes" },
        { "an MD5 that is another's", 422, "MD5" },
        { "larger than the limit", 413, "at most 1048576" },
        { "much larger than the limit", 413, "larger than an image may be here" },
        { "a file for another chip", 422, "esp" },
        { "a version that is a path", 422, "version" },
        { "created after the year 9999", 422, "created" },
        { "created before time began", 422, "created" },
        { "the largest size there is", 422, "digest for each chunk" },
        { "the smallest counter there is", 422, "securityCounter" },
        { "no chunk size", 422, "chunkSize" },
        { "nothing for a chunk", 422, "chunk digests" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_build_is_refused_with_a_sentence_and_leaves_nothing(string fault, int status, string says)
    {
        var good = ABuild.Of("1.0.0");
        await _server.UploadedAsync(good);
        var stored = _server.StoredFiles;
        var next = ABuild.Of("1.1.0", "another build");
        var image = next.Statement.Image;
        var bad = fault switch
        {
            "another build of this version" => ABuild.Of("1.0.0", "other bytes"),
            "signed by a stranger" => next with { Key = RunningServer.StrangerKey },
            "for another product" => next with { Statement = next.Statement with { Product = "teapot" } },
            "for hardware the product is not" => next with { Statement = next.Statement with { Hardware = ["esp8266"] } },
            "one byte altered" => next with { Bytes = [(byte)(next.Bytes[0] ^ 1), .. next.Bytes[1..]] },
            "one byte short" => next with { Bytes = next.Bytes[1..] },
            "one byte long" => next with { Bytes = [.. next.Bytes, 0] },
            "an MD5 that is another's" => next with { Statement = next.Statement with { Image = image with { Md5 = new string('0', 32) } } },
            "larger than the limit" => ABuild.Of("1.1.0", new string('x', 1024 * 1024 + 1)),
            "much larger than the limit" => ABuild.Of("1.1.0", new string('x', 8 * 1024 * 1024)),
            "a file for another chip" => next with { Statement = next.Statement with { Hardware = ["esp32"], Image = image with { Format = "esp32" } } },
            "created after the year 9999" => next with { Statement = next.Statement with { Created = 253402300800 } },
            "created before time began" => next with { Statement = next.Statement with { Created = long.MinValue } },
            "the largest size there is" => next with { Statement = next.Statement with { Image = image with { Size = long.MaxValue } } },
            "the smallest counter there is" => next with { Statement = next.Statement with { SecurityCounter = int.MinValue } },
            "no chunk size" => next with { Statement = next.Statement with { Image = image with { ChunkSize = 0 } } },
            "nothing for a chunk" => next with { Statement = next.Statement with { Image = image with { Chunks = [null!] } } },
            _ => next with { Statement = next.Statement with { Version = "1.0.0/../../x" } },
        };

        using var answer = await _server.UploadAsync(bad);

        var problem = await ProblemAsync(answer);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(says, problem, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(stored, _server.StoredFiles);
        Assert.Equal(1, (await _server.GetAsync("api/v1/products/kettle/releases")).GetArrayLength());
    }

    [Theory]
    [InlineData("text/plain", "x", 415)]
    [InlineData("multipart/form-data", "x", 415)]
    [InlineData("multipart/form-data; boundary=b", "", 400)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\n", 400)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=image\r\n\r\nx\r\n--b--\r\n", 400)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=statement\r\n\r\nnot a JWS\r\n--b--\r\n", 422)]
    public async Task A_body_that_is_no_upload_is_refused_with_advice(string type, string body, int status)
    {
        using var content = new StringContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var answer = await _server.Admin.PostAsync("api/v1/products/kettle/releases", content);

        Assert.Equal(status, (int)answer.StatusCode);
        await ProblemAsync(answer);
        Assert.Empty(_server.StoredFiles);
    }

    [Fact]
    public async Task A_body_that_ends_in_the_middle_of_the_image_leaves_nothing()
    {
        var whole = await ABuild.Of("1.0.0", new string('x', 10_000)).Form().ReadAsByteArrayAsync();
        using var cut = new ByteArrayContent(whole[..(whole.Length - 5000)]);
        var boundary = System.Text.Encoding.ASCII.GetString(whole, 2, Array.IndexOf(whole, (byte)'\r') - 2);
        cut.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=" + boundary);
        using var answer = await _server.Admin.PostAsync("api/v1/products/kettle/releases", cut);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        await ProblemAsync(answer);
        Assert.Empty(_server.StoredFiles);
    }

    private static async Task<string> ProblemAsync(HttpResponseMessage answer)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.StartsWith("urn:ota:problem:", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        return problem.GetProperty("detail").GetString()!;
    }
}
