using System.Text;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Recovery;

/// <summary>The real agent and the real server: one unit far away, its owner changed, and everything that can go wrong on the way.</summary>
public class UnitTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private AUnit _unit = null!;
    private string _enrollmentKey = "";

    private string Id => _unit.Device.Agent!.Identity!.Device;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware 1.0.0"));
        var rescue = ABuild.Of("9.0.0", "recovery");
        await _server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        _unit = NewUnit();
    }

    public ValueTask DisposeAsync()
    {
        _unit.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task A_unit_is_wiped_and_returns_on_another_network_under_another_owner_to_what_it_ran()
    {
        await RecoverAsync();
        _unit.Provision("next-home", "next owner");
        _unit.Live();

        Assert.Equal("next owner", _unit.Owner);
        Assert.Equal("1.0.0", _unit.Running);
        Assert.Equal(1, _unit.Device.RecoveryRuns);
        Assert.Equal("completed", await StateAsync());
    }

    [Fact]
    public async Task A_unit_that_is_off_for_nine_days_is_wiped_when_it_is_switched_on()
    {
        _unit.Device.PowerOff();
        await RecoverAsync();
        _server.Time.Ahead = TimeSpan.FromDays(9);
        _unit.Provision("next-home", "next owner");
        _unit.Device.Radio.InReach[Ota.Virtual.VirtualDevice.HomeSsid] = "virtual-password";

        _unit.Live();

        Assert.Equal("next owner", _unit.Owner);
        Assert.Equal("completed", await StateAsync());
    }

    [Fact]
    public async Task A_decommissioned_unit_enrolls_anew_for_its_next_owner()
    {
        await _server.PostAsync($"api/v1/devices/{Id}/decommission", new { reason = "sold", transferTo = "second-hand" });
        _unit.Provision("next-home", "next owner");
        _unit.Live();

        var story = await _server.GetAsync("api/v1/devices/" + AUnit.HardwareId);
        Assert.Equal("next owner", _unit.Owner);
        Assert.Equal("second-hand", story.GetProperty("group").GetString());
        Assert.Equal(2, story.GetProperty("generation").GetInt64());
    }

    [Fact]
    public async Task A_copy_of_yesterdays_order_or_of_another_units_clears_nothing()
    {
        await RecoverAsync();
        _unit.Provision("next-home", "next owner");
        _unit.Live();
        var yesterdays = _unit.LastOrder!;
        using var other = NewUnit("next owner");

        foreach (var victim in new[] { _unit, other })
        {
            foreach (var status in new[] { 200, 410 })
            {
                var runs = victim.Device.RecoveryRuns;
                victim.Forged = (status, yesterdays);
                victim.Live(20);
                Assert.Equal("next owner", victim.Owner);
                Assert.Equal(runs, victim.Device.RecoveryRuns);
                Assert.NotNull(victim.Device.Agent!.Identity);
            }
        }
    }

    [Theory]
    [InlineData(401, "")]
    [InlineData(404, "")]
    [InlineData(410, "")]
    [InlineData(410, "{}")]
    [InlineData(410, "{\"order\":\"\"}")]
    [InlineData(200, "<html>Sign in to the hotel's network</html>")]
    [InlineData(500, "")]
    public void A_server_that_answers_everything_wrongly_clears_nothing(int status, string body)
    {
        _unit.Forged = (status, Encoding.UTF8.GetBytes(body));
        var operations = _unit.Device.Flash.Operations;

        _unit.Live(200);

        Assert.Equal(1, _unit.Device.Agent!.Networks.Count);
        Assert.NotNull(_unit.Device.Agent.Identity);
        Assert.Equal(operations, _unit.Device.Flash.Operations);
    }

    // The server is stopped and started at every call of the whole flow, and the call is lost before it or its answer after it:
    // what was committed stays, what was not never was.
    [Theory]
    [InlineData("recover", false)]
    [InlineData("recover", true)]
    [InlineData("decommission", false)]
    [InlineData("decommission", true)]
    public async Task Wherever_the_server_dies_and_whatever_answer_is_lost_it_happens_exactly_once(string action, bool isCarriedOut)
    {
        var dies = 1;
        for (var isOver = false; !isOver; dies++)
        {
            using var unit = NewUnit(hardwareId: null);
            var id = unit.Device.Agent!.Identity!.Device;
            await _server.PostAsync($"api/v1/devices/{id}/{action}", new { reason = "wherever it dies", yesReally = true });
            var before = unit.Calls;
            var died = false;
            unit.OnCall = async call =>
            {
                if (call == before + dies + (isCarriedOut ? 1 : 0))
                    await _server.RestartAsync();
                if (call != before + dies)
                    return Weather.Fair;
                died = true;
                return isCarriedOut ? Weather.Unanswered : Weather.Lost;
            };
            unit.Provision("next-home", "next owner");
            unit.Live(200);
            isOver = !died;

            Assert.Equal("next owner", unit.Owner);
            Assert.Equal("1.0.0", unit.Running);
            Assert.Equal(action == "recover" ? 1 : 0, unit.Device.RecoveryRuns);
            var deployments = await _server.GetAsync($"api/v1/deployments?device={id}");
            Assert.Equal("completed", deployments.EnumerateArray()
                .Single(d => d.GetProperty("action").GetString() == action).GetProperty("state").GetString());
        }

        Assert.InRange(dies, 6, 60);
    }

    private int _units = 0x77;

    // Confirmed on 1.0.0, at its first owner's.
    private AUnit NewUnit(string? owner = null, string? hardwareId = AUnit.HardwareId)
    {
        var unit = new AUnit(_server, _enrollmentKey, hardwareId is not null && _units == 0x77 ? hardwareId : $"02:00:00:00:01:{_units % 100:00}");
        _units++;
        unit.Live();
        Assert.Equal("1.0.0", unit.Running);
        if (owner is not null)
        {
            unit.Device.Agent!.Networks.Add(Ota.Virtual.VirtualDevice.HomeFor(owner));
        }

        return unit;
    }

    private Task<System.Text.Json.JsonElement> RecoverAsync() => _server.PostAsync($"api/v1/devices/{AUnit.HardwareId}/recover", new { reason = "the router is new" });

    private async Task<string?> StateAsync() => (await _server.GetAsync("api/v1/devices/" + AUnit.HardwareId)).GetProperty("state").GetString();
}
