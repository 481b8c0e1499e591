using System.Buffers.Text;
using System.Text;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.Server.Tests.Signing;

public sealed class ReleaseStatementTests
{
    private static readonly ReleaseKey Trusted = Vectors.Key("TEST-ONLY-release-key.pub.pem");

    [Fact]
    public void The_golden_statement_verifies_and_describes_the_golden_image()
    {
        var verified = ReleaseStatement.Verify(Vectors.Text("release.jws"), [Trusted], out var reason);

        Assert.Equal("", reason);
        Assert.Equal("1.1.0", verified!.Statement.Version);
        using var digests = new ImageDigests(10_000);
        digests.Append(Vectors.Bytes("image.bin"));
        Assert.Equivalent(verified.Statement.Image, digests.Describe("raw"), strict: true);
    }

    [Fact]
    public void A_statement_by_a_stranger_is_refused()
    {
        Assert.Null(ReleaseStatement.Verify(Vectors.Text("release-by-stranger.jws"), [Trusted], out var reason));
        Assert.Contains("signature", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"alg":"none","typ":"ota-release+jws"}""", "algorithm")]
    [InlineData("""{"alg":"HS256","typ":"ota-release+jws"}""", "algorithm")]
    [InlineData("""{"alg":"RS256","typ":"ota-keys+jws"}""", "type")]
    [InlineData("""{"alg":"RS256"}""", "type")]
    [InlineData("""{"alg":"RS256","typ":"ota-release+jws","crit":["b64"]}""", "critical")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{", "not JSON")]
    [InlineData("""{"alg":"RS256","alg":"none","typ":"ota-release+jws"}""", "twice")]
    [InlineData("""{"alg":"none","alg":"RS256","typ":"ota-release+jws"}""", "twice")]
    [InlineData("""{"alg":"RS256","typ":"ota-release+jws","x":1,"\u0078":2}""", "twice")]
    [InlineData("""{"alg":"RS256\ud800","typ":"ota-release+jws"}""", "not JSON")]
    [InlineData("""{"alg":"RS256","typ":"ota-release+jws","\ud800":1}""", "not JSON")]
    public void A_swapped_algorithm_or_type_is_refused_before_any_key_is_tried(string header, string expected)
    {
        var parts = Vectors.Text("release.jws").Split('.');
        var forged = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header)) + "." + parts[1] + "." + parts[2];

        Assert.Null(ReleaseStatement.Verify(forged, [Trusted], out var reason));
        Assert.Contains(expected, reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_is_not_UTF_8_is_refused()
    {
        byte[] header = [.. "{\"alg\":\"RS256"u8, 0xff, .. "\",\"typ\":\"ota-release+jws\"}"u8];

        Assert.Null(ReleaseStatement.Verify(Base64Url.EncodeToString(header) + ".e30.AA", [Trusted], out var reason));
        Assert.Contains("not UTF-8", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"alg":"\u001b[2J\r\nforged log line","typ":"ota-release+jws"}""")]
    [InlineData("""{"alg":"RS256","typ":"\u202e\u2028\u0085\u0000"}""")]
    public void A_header_cannot_forge_a_line_in_a_log_or_a_terminal(string header)
    {
        var forged = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header)) + ".e30.AA";

        Assert.Null(ReleaseStatement.Verify(forged, [Trusted], out var reason));
        Assert.All(reason, c => Assert.InRange(c, ' ', '~'));
    }

    [Fact]
    public void Whitespace_slipped_into_a_signature_does_not_make_another_statement_of_it()
    {
        var good = Vectors.Text("release.jws");
        foreach (var space in " \t\r\n")
            Assert.Null(ReleaseStatement.Verify(good.Insert(good.Length - 9, space.ToString()), [Trusted], out _));
    }

    public static TheoryData<byte[]> Odd => new()
    {
        "{\"x\":1,\"x\":1,"u8.ToArray(),
        "{\"x\":{\"y\":1,\"y\":2},"u8.ToArray(),
        (byte[])[.. "{\"x\":\""u8, 0xff, .. "\","u8],
        (byte[])[.. "{\""u8, 0xff, .. "\":1,"u8],
    };

    [Theory]
    [MemberData(nameof(Odd))]
    public void What_a_device_would_refuse_to_read_is_refused_at_once_though_it_is_well_signed(byte[] beginning)
    {
        var good = Base64Url.DecodeFromChars(Vectors.Text("release.jws").Split('.')[1]);

        Assert.Null(ReleaseStatement.Verify(
            Jws.SignRs256(JwsKind.Release, [.. beginning, .. good[1..]], RunningServer.ReleaseKey), [Trusted], out var reason));
        Assert.NotEmpty(reason);
    }

    [Fact]
    public void A_statement_that_says_one_thing_twice_is_refused_as_devices_may_read_the_other()
    {
        var good = Base64Url.DecodeFromChars(Vectors.Text("release.jws").Split('.')[1]);
        byte[] twice = [.. "{\"securityCounter\":9,"u8, .. good[1..]];

        Assert.Null(ReleaseStatement.Verify(Jws.SignRs256(JwsKind.Release, twice, RunningServer.ReleaseKey), [Trusted], out var reason));
        Assert.Contains("twice", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_one_changed_character_is_refused()
    {
        var good = Vectors.Text("release.jws");
        var dots = new[] { good.IndexOf('.'), good.LastIndexOf('.') };
        for (var i = 0; i < good.Length; i++)
        {
            if (dots.Contains(i))
                continue;
            var changed = good.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';

            Assert.Null(ReleaseStatement.Verify(new string(changed), [Trusted], out _));
        }
    }

    [Fact]
    public void The_golden_key_statement_is_accepted_from_a_trusted_key_only()
    {
        Assert.NotNull(KeyStatement.Verify(Vectors.Text("keys.jws"), [Trusted], out var keys, out _));
        Assert.Equal(Vectors.Key("TEST-ONLY-next-release-key.pub.pem").Id, Assert.Single(keys).Id);
        Assert.Null(KeyStatement.Verify(Vectors.Text("keys-by-stranger.jws"), [Trusted], out _, out _));
    }

    [Fact]
    public void A_private_key_given_as_a_release_key_is_refused_with_advice()
    {
        Assert.Null(ReleaseKey.FromPem(Vectors.Text("TEST-ONLY-release-key.pem"), out var reason));
        Assert.Contains("private key", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 4096)]
    [InlineData(4096 * 128, 4096)]
    [InlineData(4096 * 128 + 1, 8192)]
    [InlineData(64 << 20, 524288)]
    public void The_chunk_size_doubles_until_there_are_at_most_128_chunks(long size, int expected) =>
        Assert.Equal(expected, ImageDigests.ChunkSizeFor(size));

    [Theory]
    [InlineData("../etc")]
    [InlineData("a/b")]
    [InlineData("A")]
    [InlineData(".images")]
    [InlineData("")]
    [InlineData("a\nb")]
    public void A_name_that_could_be_a_path_trick_is_refused(string name) => Assert.NotNull(Names.Fault(name));

    [Theory]
    [InlineData("1.0")]
    [InlineData("1.0.0+build")]
    [InlineData("v1.0.0")]
    [InlineData("01.0.0")]
    [InlineData("1.0.0/..")]
    public void A_version_that_is_not_plain_SemVer_is_refused(string version) => Assert.NotNull(Names.VersionFault(version));
}
