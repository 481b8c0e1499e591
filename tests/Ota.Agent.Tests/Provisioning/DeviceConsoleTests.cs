using System.Text;
using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Provisioning;

/// <summary>The console of docs/protocol.md §7, line by line, on a whole device.</summary>
public sealed class DeviceConsoleTests : IAsyncLifetime
{
    private const string Password = "j7kx-2mq9-4ptd";
    private readonly MemoryWire _wire = new();
    private Bench _bench = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await Bench.RunningAsync();
        Connect();
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public void Status_says_how_it_stands_and_nothing_secret()
    {
        var status = Assert.Single(Ask("status"));

        Assert.StartsWith("ota\tok\tstatus\truns=1.0.0\tslot=confirmed\tdevice=" + Vectors.Identity.Device, status, StringComparison.Ordinal);
        Assert.Contains("\twifi=joined\t", status, StringComparison.Ordinal);
        Assert.Contains("\tnetworks=1\t", status, StringComparison.Ordinal);
        Assert.DoesNotContain(Vectors.Identity.Token, status, StringComparison.Ordinal);
        Assert.DoesNotContain("virtual-password", status, StringComparison.Ordinal);
    }

    [Fact]
    public void Logs_tell_what_happened_since_the_start_and_what_is_new_since_a_number()
    {
        var all = Ask("logs");
        Assert.Equal("ota\tlog\t0\tstarted (power-or-unknown), runs 1.0.0", all[0]);
        Assert.Contains("ota\tlog\t0\tjoined virtual-home", all);
        Assert.Contains("ota\tlog\t0\tcheck-in answered 204", all);
        Assert.Equal($"ota\tok\tlogs\t{all.Length - 1}", all[^1]);

        Assert.Equal([all[^1]], Ask($"logs\t{all.Length - 1}"));
        Assert.Equal(all, Ask("logs\t-5"));
    }

    [Fact]
    public void Logs_are_bounded_however_long_it_lives()
    {
        for (var i = 0; i < 1000; i++)
            _bench.Device.Agent!.Journal.Note(new string('x', 500));

        var all = Ask("logs");
        Assert.Equal(Journal.Most + 1, all.Length);
        Assert.All(all, line => Assert.True(line.Length < 128));
    }

    [Fact]
    public void Clearing_by_cable_takes_the_password_on_the_label()
    {
        Assert.Equal(["ota\trefused\tpassword-needed"], Ask("clear-credentials"));
        Assert.Equal(["ota\trefused\tpassword\t1"], Ask("clear-credentials\tj7kx-2mq9-4pte"));
        Assert.Equal(1, _bench.Device.Agent!.Networks.Count);

        _bench.Device.Clock.Advance(1);
        _wire.Ask("clear-credentials\t" + Password);
        Assert.True(_bench.Device.ServeConsole());

        Assert.Equal(["ota\tok\tclear-credentials"], _wire.Heard());
        Assert.Null(_bench.Device.Agent);
        _bench.Device.Step();
        Assert.Equal(0, _bench.Device.Agent!.Networks.Count);
        Assert.True(_bench.Device.Radio.ProvisioningOpen);
        Assert.Equal("1.0.0", _bench.Running);
        Assert.NotNull(_bench.Device.Agent.Identity);
    }

    [Fact]
    public void Each_wrong_password_costs_twice_the_time_and_even_the_right_one_waits()
    {
        foreach (var pause in new[] { 1, 2, 4, 8, 16, 32, 64, 64 })
        {
            Assert.Equal([$"ota\trefused\tpassword\t{pause}"], Ask("clear-credentials\twrong"));
            _bench.Device.Clock.Advance(pause - 1);
            Assert.Equal(["ota\trefused\twait\t1"], Ask("clear-credentials\t" + Password));
            _bench.Device.Clock.Advance(1);
        }

        Assert.Equal(1, _bench.Device.Agent!.Networks.Count);
    }

    [Fact]
    public void A_unit_without_a_password_lets_nobody_clear_it()
    {
        _bench.Device.PowerOff();
        _bench.Device.RescuePassword = "";
        _bench.RunUntilSettled();

        Assert.Equal(["ota\trefused\tno-password"], Ask("clear-credentials\t"));
        Assert.Equal(["ota\trefused\tno-password"], Ask("clear-credentials\tanything"));
    }

    [Fact]
    public void A_unit_that_knows_a_network_takes_another_from_who_has_its_label()
    {
        Assert.Equal(["ota\trefused\tpassword-needed"], Ask("provision\tnetwork\tmine\tsecret-12"));
        Assert.Equal(["ota\tok\tprovision"], Ask($"provision\tnetwork\ta\\tb\\\\c\tsecret-12\tanna\t{Password}"));

        Assert.Equal(("a\tb\\c", "secret-12"), (_bench.Device.Agent!.Networks[0].Ssid, _bench.Device.Agent.Networks[0].Password));
        Assert.Equal("anna", _bench.Device.Agent.Networks.Owner);
    }

    [Fact]
    public void A_bundle_needs_no_password_and_is_good_once_and_for_this_unit_alone()
    {
        var number = _bench.Device.Agent!.State.HighestOrder + 1;
        var bundle = BundleDraft.Of(number, "new-home", "another-password", "anna");

        Assert.Equal(["ota\tok\tprovision"], Ask("provision\tbundle\t" + bundle));
        Assert.Equal("new-home", _bench.Device.Agent.Networks[0].Ssid);
        Assert.Equal(number, _bench.Device.Agent.State.HighestOrder);

        _bench.Device.Agent.ClearCredentials();
        Assert.Equal(["ota\trefused\tbundle-used"], Ask("provision\tbundle\t" + bundle));
        Assert.Equal(["ota\trefused\tbundle-device"], Ask("provision\tbundle\t" + Vectors.Text("wifi-bundle-other-device.jws")));
        Assert.Equal(0, _bench.Device.Agent.Networks.Count);
    }

    [Fact]
    public void A_bundle_that_an_order_overtook_is_used_up()
    {
        var late = BundleDraft.Of(_bench.Device.Agent!.State.HighestOrder + 1, "old-home");
        _bench.Server.Deploy("install", Build.Of("2.0.0"));
        _bench.Device.Clock.Advance(3600);
        _bench.RunUntilSettled();
        Assert.Equal("2.0.0", _bench.Running);

        Assert.Equal(["ota\trefused\tbundle-used"], Ask("provision\tbundle\t" + late));
    }

    [Fact]
    public void A_device_without_an_identity_says_that_no_bundle_is_for_it()
    {
        _bench.Device.Agent!.ClearCredentials();
        new RecordPair(_bench.Device.Records, RecordKind.Identity).Clear();
        _bench.Device.PowerOff();
        _bench.Device.Step();

        Assert.Equal(["ota\trefused\tnot-enrolled"], Ask("provision\tbundle\t" + Vectors.Text("wifi-bundle.jws")));
    }

    [Fact]
    public void Networks_that_no_radio_could_join_are_refused()
    {
        Assert.Equal(["ota\trefused\tssid"], Ask($"provision\tnetwork\t\tx\t\t{Password}"));
        Assert.Equal(["ota\trefused\tssid"], Ask($"provision\tnetwork\t{new string('ü', 17)}\t\t\t{Password}"));
        Assert.Equal(["ota\trefused\tpassword-length"], Ask($"provision\tnetwork\tx\t{new string('x', 65)}\t\t{Password}"));
        Assert.Equal(["ota\tok\tprovision"], Ask($"provision\tnetwork\t{new string('ü', 16)}\t\t\t{Password}"));
    }

    [Theory]
    [InlineData("reboot")]
    [InlineData("provision")]
    [InlineData("provision\tbundle")]
    [InlineData("provision\tnetwork")]
    [InlineData("provision\tother\tx")]
    [InlineData("status\\")]
    public void Anything_else_is_refused_and_changes_nothing(string line)
    {
        var before = _bench.Device.Flash.Operations;

        Assert.Equal(["ota\trefused\tline"], Ask(line));
        Assert.Equal(before, _bench.Device.Flash.Operations);
    }

    [Fact]
    public void A_flash_that_takes_no_write_is_said_and_kills_nothing()
    {
        var isFull = false;
        _bench.Replace(_bench.Make(new FaultyFlashStore(
            _bench.Store, (_, bytes) => isFull ? throw new StorageFaultException("full") : bytes)));
        Connect();
        isFull = true;

        Assert.Equal(["ota\trefused\tstorage"], Ask($"provision\tnetwork\tmine\tsecret-12\t\t{Password}"));

        isFull = false;
        Assert.Equal(["ota\tok\tprovision"], Ask($"provision\tnetwork\tmine\tsecret-12\t\t{Password}"));
    }

    private void Connect()
    {
        _bench.Device.PowerOff();
        _bench.Device.Wire = _wire;
        _bench.Device.RescuePassword = Password;
        _bench.RunUntilSettled();
    }

    private string[] Ask(string line)
    {
        _wire.Ask(line);
        _bench.Device.ServeConsole();
        return _wire.Heard();
    }
}
