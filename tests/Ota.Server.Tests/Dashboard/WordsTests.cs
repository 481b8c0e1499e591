using Ota.Server.Dashboard;
using Ota.Server.Deployments;

namespace Ota.Server.Tests.Dashboard;

/// <summary>How the dashboard says things.</summary>
public sealed class WordsTests
{
    [Theory]
    [InlineData("install", "target", "1.1.0")]
    [InlineData("install", "return", "return to 1.1.0")]
    [InlineData("install", "step", "step to 1.1.0")]
    [InlineData("recover", "target", "recover 1.1.0")]
    public void A_way_back_is_called_one(string action, string purpose, string said)
    {
        var deployment = new DeploymentView(
            1, 47, "device", "kettle", "1.1.0", "application", null, action, "confirmed", null, null, DateTimeOffset.UnixEpoch, "ada", null, null, null, 1, purpose,
            TwoStep: false);

        Assert.Equal(said, Words.Does(deployment));
    }

    [Theory]
    [InlineData(0, "less than a second at its last check-in")]
    [InlineData(30, "30 s at its last check-in")]
    [InlineData(long.MaxValue, "11574 days at its last check-in")]
    public void How_long_a_unit_was_up_is_said_of_its_last_check_in(long seconds, string said) => Assert.Equal(said, Words.UpFor(seconds));
}
