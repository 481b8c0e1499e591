using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;

namespace Ota.Server.Tests.Images;

/// <summary>How an image goes out, wherever it is kept.</summary>
public abstract class ImageServingContract : IAsyncLifetime
{
    private static readonly byte[] Bytes = AnImage.Of(100_003);

    private ImageServer _server = null!;

    private protected static CancellationToken Now => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServingAsync(Bytes);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        // Absent where the test was skipped.
        return _server?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    private protected abstract Task<ImageServer> ServingAsync(byte[] bytes);

    [Fact]
    public async Task The_whole_image_comes_with_all_that_a_client_may_keep_it_by()
    {
        using var answer = await GetAsync();

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Bytes, await answer.Content.ReadAsByteArrayAsync(Now));
        AssertHeaders(answer, Bytes.Length);
    }

    [Fact]
    public async Task HEAD_has_the_same_headers_and_no_body_and_ignores_Range()
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, "");
        request.Headers.TryAddWithoutValidation("Range", "bytes=0-9");

        using var answer = await _server.Client.SendAsync(request, Now);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        AssertHeaders(answer, Bytes.Length);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Now));
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=10-19", 10, 10)]
    [InlineData("BYTES=10-19", 10, 10)]
    [InlineData("bytes= 10-19 ,", 10, 10)]
    [InlineData("bytes=100000-", 100_000, 3)]
    [InlineData("bytes=0-", 0, 100_003)]
    [InlineData("bytes=-5", 99_998, 5)]
    [InlineData("bytes=-200000", 0, 100_003)]
    [InlineData("bytes=100000-100003", 100_000, 3)]
    [InlineData("bytes=100002-99999999999999999999999", 100_002, 1)]
    [InlineData("bytes=-99999999999999999999999", 0, 100_003)]
    public async Task A_range_is_answered_with_that_part(string range, int first, int length)
    {
        using var answer = await GetAsync(("Range", range));

        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal($"bytes {first}-{first + length - 1}/100003", answer.Content.Headers.ContentRange!.ToString());
        Assert.Equal(Bytes[first..(first + length)], await answer.Content.ReadAsByteArrayAsync(Now));
        AssertHeaders(answer, length);
    }

    [Theory]
    [InlineData("bytes=100003-")]
    [InlineData("bytes=100003-100010")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=99999999999999999999999-")]
    public async Task A_range_beyond_the_end_is_not_satisfiable_and_says_how_long_the_image_is(string range)
    {
        using var answer = await GetAsync(("Range", range));

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, answer.StatusCode);
        Assert.Equal("bytes */100003", answer.Content.Headers.ContentRange!.ToString());
        Assert.Contains("range-not-satisfiable", await answer.Content.ReadAsStringAsync(Now), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bytes=0-9,20-29")]
    [InlineData("bytes=9-0")]
    [InlineData("bytes=")]
    [InlineData("bytes=-")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=1-2-3")]
    [InlineData("bytes=0x0-9")]
    [InlineData("bytes=+1-9")]
    [InlineData("bytes=--5")]
    [InlineData("chunks=0-9")]
    [InlineData("0-9")]
    public async Task Several_ranges_or_a_malformed_one_are_answered_with_the_whole(string range)
    {
        using var answer = await GetAsync(("Range", range));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Bytes, await answer.Content.ReadAsByteArrayAsync(Now));
    }

    [Theory]
    [InlineData("<tag>", 206)]
    [InlineData("W/<tag>", 200)]
    [InlineData("\"another\"", 200)]
    [InlineData("Thu, 01 Jan 2026 00:00:00 GMT", 200)]
    public async Task A_range_applies_only_to_the_image_that_If_Range_names(string ifRange, int expected)
    {
        using var answer = await GetAsync(("Range", "bytes=0-9"), ("If-Range", WithTag(ifRange)));

        Assert.Equal(expected, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("<tag>", 304)]
    [InlineData("W/<tag>", 304)]
    [InlineData("\"another\", <tag>", 304)]
    [InlineData("*", 304)]
    [InlineData("\"another\"", 200)]
    [InlineData("<bare>", 200)]
    public async Task What_a_client_has_already_is_not_sent_again(string ifNoneMatch, int expected)
    {
        using var answer = await GetAsync(("If-None-Match", WithTag(ifNoneMatch)), ("Range", "bytes=200000-"));

        // The precondition comes first: a range that could not be satisfied is never looked at.
        Assert.Equal(expected == 200 ? 416 : 304, (int)answer.StatusCode);
        if (expected == 304)
        {
            Assert.Equal(WithTag("<tag>"), answer.Headers.ETag!.ToString());
            Assert.Contains("immutable", answer.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Now));
        }
    }

    [Theory]
    [InlineData("<tag>", 200)]
    [InlineData("\"another\", <tag>", 200)]
    [InlineData("*", 200)]
    [InlineData("\"another\"", 412)]
    [InlineData("W/<tag>", 412)]
    public async Task If_Match_holds_for_this_very_image_only(string ifMatch, int expected)
    {
        using var answer = await GetAsync(("If-Match", WithTag(ifMatch)));

        Assert.Equal(expected, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task An_image_that_is_gone_from_the_store_is_not_found_and_the_log_names_it(string method)
    {
        await _server.Store.DeleteAsync(_server.Image.Sha256, Now);

        using var request = new HttpRequestMessage(new HttpMethod(method), "");
        using var answer = await _server.Client.SendAsync(request, Now);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        if (method == "GET")
            Assert.Contains("image-not-found", await answer.Content.ReadAsStringAsync(Now), StringComparison.Ordinal);
        Assert.False(answer.Headers.Contains("ETag"));
        Assert.Contains(_server.Image.Sha256, Assert.Single(_server.Logged), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_shorter_than_its_row_never_looks_like_a_whole_one()
    {
        _server.Image = _server.Image with { Size = Bytes.Length + 30_003 };

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => GetAsync());

        await _server.Answered.WaitAsync(TimeSpan.FromSeconds(20), Now);
        Assert.Contains("30003 bytes before it should", string.Join('\n', _server.Logged), StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_range_is_asked_for_what_comes_is_that_slice()
    {
        var size = Bytes.Length;
        var offsets = Gen.OneOf(
            Gen.Choose(0, size + 10), Gen.Elements(0, 1, 65535, 65536, 65537, size - 1, size, size + 1));
        var ranges = Gen.Zip(offsets, offsets).ToArbitrary();

        Prop.ForAll(ranges, range => Assert.Equal(Slice(range), Fetch(range)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));

        // Nothing of it for a range that begins behind the end; all for one that ends before it begins.
        byte[]? Slice((int First, int Last) range) =>
            range.First > range.Last ? Bytes
            : range.First >= size ? null
            : Bytes[range.First..Math.Min(range.Last + 1, size)];

        byte[]? Fetch((int First, int Last) range)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "");
            request.Headers.TryAddWithoutValidation(
                "Range", string.Create(CultureInfo.InvariantCulture, $"bytes={range.First}-{range.Last}"));
            using var answer = _server.Client.Send(request, Now);
            using var body = new MemoryStream();
            answer.Content.ReadAsStream(Now).CopyTo(body);
            return answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable ? null : body.ToArray();
        }
    }

    [Fact]
    public async Task A_client_that_goes_away_leaves_no_complaint_and_no_open_file()
    {
        // More than all the buffers between the two hold.
        await using var server = await ServingAsync(new byte[32 << 20]);
        using (var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await client.ConnectAsync(IPAddress.Loopback, server.Client.BaseAddress!.Port, Now);
            await client.SendAsync("GET /image HTTP/1.0\r\n\r\n"u8.ToArray(), Now);
            Assert.True(await client.ReceiveAsync(new byte[1000], Now) > 0);
            // A reset, as of a device that lost its power.
            client.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        await server.Answered.WaitAsync(TimeSpan.FromSeconds(20), Now);

        Assert.Empty(server.Logged);
        Assert.DoesNotContain(OpenFiles(), file => file.Contains(server.Image.Sha256, StringComparison.Ordinal));
    }

    private static IEnumerable<string> OpenFiles() =>
        OperatingSystem.IsLinux()
            ? Directory.GetFiles("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget ?? "")
            : [];

    private string WithTag(string header) =>
        header
            .Replace("<tag>", $"\"{_server.Image.Sha256}\"", StringComparison.Ordinal)
            .Replace("<bare>", _server.Image.Sha256, StringComparison.Ordinal);

    private void AssertHeaders(HttpResponseMessage answer, int length)
    {
        Assert.Equal(WithTag("<tag>"), answer.Headers.ETag!.ToString());
        Assert.Equal("public, max-age=31536000, immutable", answer.Headers.NonValidated["Cache-Control"].ToString());
        Assert.Equal("bytes", Assert.Single(answer.Headers.AcceptRanges));
        Assert.Equal(AnImage.Describe(Bytes).Md5, Assert.Single(answer.Headers.GetValues("x-MD5")));
        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal(length, answer.Content.Headers.ContentLength);
    }

    private async Task<HttpResponseMessage> GetAsync(params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await _server.Client.SendAsync(request, Now);
    }
}
