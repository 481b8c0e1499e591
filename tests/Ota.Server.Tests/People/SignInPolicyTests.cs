using Ota.Server.People;

namespace Ota.Server.Tests.People;

public sealed class SignInPolicyTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(5, 5)]
    [InlineData(6, 10)]
    [InlineData(9, 80)]
    [InlineData(12, 640)]
    [InlineData(13, 900)]
    [InlineData(1_000_000, 900)]
    public void Each_wrong_attempt_after_the_free_ones_doubles_the_wait_up_to_a_quarter_of_an_hour(long failures, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), SignInPolicy.WaitAfter(failures));

    [Theory]
    [InlineData(null, false)]
    [InlineData("ninechars", false)]
    [InlineData("tencharsok", true)]
    [InlineData("grace hopper", false)]
    [InlineData("Grace Hopper1", false)]
    [InlineData("a sentence that has grace hopper in it", true)]
    public void A_password_is_long_enough_and_more_than_ones_name(string? password, bool isGood) =>
        Assert.Equal(isGood, SignInPolicy.PasswordFault(password, "Grace Hopper") is null);

    [Fact]
    public void A_password_has_an_end() => Assert.NotNull(SignInPolicy.PasswordFault(new string('x', 201), "Ada"));
}
