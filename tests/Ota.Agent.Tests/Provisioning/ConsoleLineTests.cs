namespace Ota.Agent.Tests.Provisioning;

public sealed class ConsoleLineTests
{
    [Theory]
    [InlineData("status", "right", "Status")]
    [InlineData("clear-credentials\tright", "right", "ClearCredentials")]
    [InlineData("clear-credentials\twrong", "right", "Refused")]
    [InlineData("clear-credentials", "right", "Refused")]
    [InlineData("clear-credentials\t", "", "Refused")]
    [InlineData("clear-credentials", "", "Refused")]
    [InlineData("provision\thome\tsecret\tanna", "right", "Provision")]
    [InlineData("provision", "right", "Refused")]
    [InlineData("anything", "right", "Refused")]
    [InlineData("", "right", "None")]
    public void A_line_asks_for(string line, string rescuePassword, string expected) =>
        Assert.Equal(expected, ConsoleLine.Read(line, rescuePassword).Request.ToString());

    [Fact]
    public void What_is_provisioned_may_have_spaces()
    {
        var provisioned = ConsoleLine.Read("provision\tour home\ta b", "").Provisioned;

        Assert.Equal(("our home", "a b", ""), (provisioned.Network.Ssid, provisioned.Network.Password, provisioned.Owner));
    }
}
