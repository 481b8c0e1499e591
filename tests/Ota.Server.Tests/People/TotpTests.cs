using System.Text;
using Ota.Server.People;

namespace Ota.Server.Tests.People;

public sealed class TotpTests
{
    // RFC 6238, appendix B: the secret and the codes of eight digits for HMAC-SHA-1.
    private static readonly byte[] Secret = Encoding.ASCII.GetBytes("12345678901234567890");

    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    public void The_codes_are_those_of_the_rfc(long seconds, string code) =>
        Assert.Equal(code, Totp.Code(Secret, Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(seconds)), digits: 8));

    // RFC 4226, appendix D.
    [Theory]
    [InlineData(0, "755224")]
    [InlineData(1, "287082")]
    [InlineData(9, "520489")]
    public void Codes_of_six_digits_are_those_of_the_rfc(long counter, string code) => Assert.Equal(code, Totp.Code(Secret, counter));

    [Theory]
    [InlineData(-2, false)]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void A_clock_may_be_half_a_minute_off(long steps, bool isAccepted)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1111111111);

        Assert.Equal(isAccepted, Totp.Accept(Secret, Totp.Code(Secret, Totp.StepAt(now) + steps), now, used: 0) is not null);
    }

    [Fact]
    public void A_code_counts_once()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1111111111);
        var code = Totp.Code(Secret, Totp.StepAt(now));
        var step = Totp.Accept(Secret, code, now, used: 0)!.Value;

        Assert.Null(Totp.Accept(Secret, code, now, step));
        Assert.Null(Totp.Accept(Secret, Totp.Code(Secret, step - 1), now, step));
    }

    [Fact]
    public void A_secret_is_read_as_it_was_written()
    {
        Assert.Equal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Totp.Text(Secret));
        Assert.Equal(Secret, Totp.Read("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        foreach (var bad in new[] { null, "", "GEZDGNBVGY3TQOJQ", "1EZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", new string('A', 33) })
            Assert.Null(Totp.Read(bad));
    }
}
