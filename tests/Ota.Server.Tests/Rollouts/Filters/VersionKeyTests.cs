using FsCheck;
using FsCheck.Fluent;
using NuGet.Versioning;
using Ota.Server.Rollouts.Filters;
using Ota.Signing;

namespace Ota.Server.Tests.Rollouts.Filters;

public sealed class VersionKeyTests
{
    // SemVer 2.0, clause 11, with the spec's own examples and the corners beside them; each comes before the next.
    private static readonly string[] InOrder =
    [
        "0.0.0-0", "0.0.0", "0.0.1", "0.1.0", "0.9.10", "0.10.0", "1.0.0-0", "1.0.0-0.0", "1.0.0-1", "1.0.0-2",
        "1.0.0-10", "1.0.0-99999999999999999999",
        "1.0.0--", "1.0.0--.0", "1.0.0---", "1.0.0-0a", "1.0.0-1a", "1.0.0-A", "1.0.0-RC", "1.0.0-a", "1.0.0-a-",
        "1.0.0-a-.1", "1.0.0-a-b",
        "1.0.0-aa", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.1.0", "1.0.0-alpha.beta", "1.0.0-alpha0", "1.0.0-beta",
        "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0-z", "1.0.0", "1.0.1-0", "1.0.1", "1.2.0", "1.10.0", "2.0.0", "10.0.0", "99999999999.0.0",
        "100000000000.0.0",
    ];

    [Fact]
    public void Versions_and_their_keys_are_in_the_order_of_SemVer()
    {
        var byPrecedence = Comparer<string>.Create((left, right) => VersionOrder.Compare(left, right));
        Assert.Equal(InOrder, InOrder.Reverse().Order(byPrecedence));
        Assert.Equal(InOrder, InOrder.Reverse().OrderBy(VersionKey.Of, StringComparer.Ordinal));
    }

    [Fact]
    public void Keys_compare_as_versions_do() =>
        Prop.ForAll(Arb.From(AFilter.Version), Arb.From(AFilter.Version), (left, right) =>
        {
            var (leftKey, rightKey) = (VersionKey.Of(left)!, VersionKey.Of(right)!);
            return (Math.Sign(string.CompareOrdinal(leftKey, rightKey)) == Math.Sign(VersionOrder.Compare(left, right))
                && VersionOrder.Compare(left, right) == -VersionOrder.Compare(right, left)
                && (leftKey == rightKey) == (left == right)
                && leftKey.All(char.IsAsciiDigit) && leftKey.Length <= 250)
                .Label($"{left} {leftKey}, {right} {rightKey}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases * 10));

    // An order that somebody else wrote, for what it can read exactly: numbers of 32 bits, labels in lower case.
    [Fact]
    public void Precedence_is_that_of_another_implementation() =>
        Prop.ForAll(Arb.From(AFilter.Version), Arb.From(AFilter.Version), (left, right) =>
            (left + right).Contains("99999999999", StringComparison.Ordinal)
            || (left + right).Any(char.IsAsciiLetterUpper)
            || Math.Sign(VersionOrder.Compare(left, right))
                == Math.Sign(SemanticVersion.Parse(left).CompareTo(SemanticVersion.Parse(right))))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases * 10));

    [Fact]
    public void Whatever_a_device_may_say_it_runs_has_a_key() =>
        Prop.ForAll(Arb.From(AFilter.Version), version =>
                Names.VersionFault(version) is not null || VersionKey.Of(version) is not null)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases));

    [Theory]
    [InlineData("1.4.0", "011" + "014" + "010" + "9")]
    [InlineData("1.14.0-beta.2", "011" + "0214" + "010" + "2" + "64678263" + "00" + "1" + "012" + "0")]
    public void A_key_is_the_same_for_ever(string version, string key) => Assert.Equal(key, VersionKey.Of(version));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.4")]
    [InlineData("1.4.0.0")]
    [InlineData("1..0")]
    [InlineData("01.4.0")]
    [InlineData("1.4.0-")]
    [InlineData("1.4.0-a..b")]
    [InlineData("1.4.0-01")]
    [InlineData("1.4.0-é")]
    [InlineData("1.4.0-a_b")]
    [InlineData("1.4.0+build")]
    [InlineData("1.4.0-a+build")]
    [InlineData("v1.4.0")]
    [InlineData("-1.4.0")]
    [InlineData("1.4.0 ")]
    [InlineData("١.4.0")]
    [InlineData("1.4.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void What_is_no_version_has_no_key(string? version) => Assert.Null(VersionKey.Of(version));
}
