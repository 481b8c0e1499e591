using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using PlatformBase64 = System.Buffers.Text.Base64Url;

namespace Ota.Agent.Tests.Wire;

public sealed class EncodingTests
{
    [Fact]
    public void Any_bytes_encode_as_the_platform_encodes_them_and_come_back() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var text = Base64Url.Encode(bytes);
            return text == PlatformBase64.EncodeToString(bytes) && Base64Url.Decode(text).SequenceEqual(bytes);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("A")]
    [InlineData("AAAAA")]
    [InlineData("AA==")]
    [InlineData("AA+A")]
    [InlineData("AA/A")]
    [InlineData("AA A")]
    [InlineData("AB")]
    [InlineData("AAB")]
    [InlineData("AAé")]
    public void Padding_foreign_characters_and_stray_bits_are_refused(string text) =>
        Assert.Null(Base64Url.Decode(text));

    [Fact]
    public void Http_dates_read_as_the_platform_reads_them()
    {
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var unix = random.NextInt64(0, 4_102_444_800);
            var text = DateTimeOffset.FromUnixTimeSeconds(unix).ToString("R", CultureInfo.InvariantCulture);
            Assert.Equal(unix, HttpDate.Parse(text));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("Tue, 15 Nov 1994 08:12:31 CET")]
    [InlineData("Tue, 15 Xyz 1994 08:12:31 GMT")]
    [InlineData("Tue, xx Nov 1994 08:12:31 GMT")]
    [InlineData("Tuesday, 15-Nov-94 08:12:31 GMT")]
    public void Any_other_date_sets_no_clock(string? text) => Assert.Equal(0, HttpDate.Parse(text));
}
