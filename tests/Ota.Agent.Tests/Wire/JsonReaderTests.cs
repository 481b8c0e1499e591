using System.Text;
using System.Text.Json;

namespace Ota.Agent.Tests.Wire;

public sealed class JsonReaderTests
{
    [Theory]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":1,"\u0061":2}""")]
    [InlineData("""{"a":1}x""")]
    [InlineData("""{"a":1}{}""")]
    [InlineData("""{"a":1,}""")]
    [InlineData("""{"a":01}""")]
    [InlineData("""{"a":1.}""")]
    [InlineData("""{"a":.5}""")]
    [InlineData("""{"a":+1}""")]
    [InlineData("""{"a":1e}""")]
    [InlineData("""{"a":-}""")]
    [InlineData("""{"a":"\x"}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":"\udc00\ud800"}""")]
    [InlineData("""{"a":"\u12"}""")]
    [InlineData("""{"a":"open""")]
    [InlineData("""{"a":nul}""")]
    [InlineData("""{a:1}""")]
    [InlineData("""[1]""")]
    [InlineData("\"text\"")]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("<!DOCTYPE html><html><body>Please log in</body></html>")]
    [InlineData("{\"a\":\"line\nbreak\"}")]
    public void What_is_no_single_well_formed_object_is_refused(string text) =>
        Assert.Throws<JsonRefusedException>(() => Read(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Bytes_that_are_no_UTF8_are_refused()
    {
        foreach (var bytes in new[] { "C0AF", "80", "E28028", "EDA080", "F4908080", "F8888080", "C3" })
        {
            byte[] text = [.. "{\"a\":\""u8, .. Convert.FromHexString(bytes), .. "\"}"u8];
            Assert.Throws<JsonRefusedException>(() => Read(text));
        }
    }

    [Fact]
    public void Nesting_ends_at_the_bound_and_not_at_the_stack()
    {
        Read(Encoding.UTF8.GetBytes("{\"a\":" + new string('[', 7) + new string(']', 7) + "}"));
        Assert.Throws<JsonRefusedException>(() => Read(Encoding.UTF8.GetBytes("{\"a\":" + new string('[', 20_000))));
    }

    [Fact]
    public void Texts_and_numbers_come_out_as_another_reader_reads_them()
    {
        const string Text = """
            {"t":"a\"\\\/\b\f\n\r\t\u00e9é€😀\ud83d\ude00",
             "n":-9007199254740993,"big":9223372036854775807,"b":[true,false,null,1.5e3]}
            """;
        var read = Read(Encoding.UTF8.GetBytes(Text));
        using var other = JsonDocument.Parse(Text);

        Assert.Equal(other.RootElement.GetProperty("t").GetString(), read.Text("t"));
        Assert.Equal(-9007199254740993, read.Number("n", long.MinValue, 0));
        Assert.Equal(long.MaxValue, read.Number("big", 0, long.MaxValue));
        Assert.Equal([true, false, JsonReader.Other, JsonReader.Other], read.Array("b", 4, 4).ToArray());
    }

    [Fact]
    public void A_number_beyond_64_bits_is_no_number()
    {
        var read = Read("{\"a\":9223372036854775808,\"b\":99999999999999999999}"u8.ToArray());
        Assert.Throws<JsonRefusedException>(() => read.Number("a", 0, long.MaxValue));
        Assert.Throws<JsonRefusedException>(() => read.Number("b", 0, long.MaxValue));
    }

    [Fact]
    public void Mutated_and_random_texts_end_in_an_object_or_in_a_refusal_and_never_otherwise()
    {
        var seed = Encoding.UTF8.GetBytes(
            """
            {"order":"eyJ.eyJ.sig","z":"\ud83d\ude00",
             "image":{"chunks":["AAAA","é\u0041"],"size":12,"x":[[{}],-1.5e+3,null,true]}}
            """);
        var random = new Random(20260101);
        var refused = 0;
        for (var round = 0; round < 100_000; round++)
        {
            var text = round % 10 == 0 ? new byte[random.Next(64)] : [.. seed];
            if (round % 10 == 0)
                random.NextBytes(text);
            for (var edits = random.Next(1, 4); edits > 0 && text.Length > 1; edits--)
            {
                var at = random.Next(text.Length);
                text = random.Next(3) switch
                {
                    0 => [.. text[..at], .. text[(at + 1)..]],
                    1 => [.. text[..at], (byte)random.Next(256), .. text[at..]],
                    _ => [.. text[..at], (byte)"{}[]\",:\\u09eE+-. tfn"[random.Next(20)], .. text[(at + 1)..]],
                };
            }

            try
            {
                // What we accept, a strict reader accepts too.
                Read(text);
                using var other = JsonDocument.Parse(text);
            }
            catch (JsonRefusedException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 50_000, 99_999);
    }

    private static JsonObject Read(byte[] text) => JsonReader.ReadObject(text, text.Length);
}
