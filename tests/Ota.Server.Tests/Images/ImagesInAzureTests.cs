using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Images;

/// <summary>A server that keeps its images in Azure Blob Storage, from upload to device and through outages.</summary>
public sealed class ImagesInAzureTests(Azurite azurite)
{
    private static CancellationToken Now => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("server")]
    [InlineData("redirect")]
    public async Task A_unit_installs_what_was_pushed_before_and_after_a_restart(string links)
    {
        await using var server = await StartAsync(links);
        using var unit = new AUnit(server, await server.AddProductAsync());

        await server.UploadedAsync(ABuild.Of("1.0.0"));
        await DeployAsync(server, "1.0.0");
        unit.Live();
        Assert.Equal("1.0.0", unit.Running);

        await server.UploadedAsync(Large("1.1.0"));
        await server.RestartAsync();
        await DeployAsync(server, "1.1.0");
        unit.Live();
        Assert.Equal("1.1.0", unit.Running);

        Assert.Empty(server.StoredFiles);
        AssertTellsNoSecret(server.Log.Text);
    }

    [Fact]
    public async Task A_dropped_build_is_taken_into_the_container()
    {
        await using var server = await StartAsync("server");
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        var build = ABuild.Of("1.0.0");

        Assert.Equal("accepted", await server.DroppedAsync(build));

        using var answer = await device.GetAsync("images/" + build.Statement.Image.Sha256);
        Assert.Equal(build.Bytes, await answer.Content.ReadAsByteArrayAsync(Now));
        Assert.Empty(server.StoredFiles);
    }

    [Fact]
    public async Task A_refused_build_never_reaches_the_container()
    {
        var container = azurite.NewContainer();
        await using var server = await StartAsync("server", container: container);
        await server.AddProductAsync();

        using var answer = await server.UploadAsync(ABuild.Of("1.0.0") with { Bytes = "other bytes"u8.ToArray() });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Empty(await (await azurite.ContainerAsync(container)).GetBlobsAsync(cancellationToken: Now).ToArrayAsync(Now));
        Assert.Empty(server.StoredFiles);
    }

    [Fact]
    public async Task A_device_is_handed_the_link_itself_and_whoever_asks_the_server_is_sent_there()
    {
        await using var server = await StartAsync("redirect");
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        var build = ABuild.Of("1.0.0");
        await server.UploadedAsync(build);
        await DeployAsync(server, "1.0.0");

        using var offered = await device.CheckInAsync();
        var link = new Uri((await offered.Content.ReadFromJsonAsync<JsonElement>(Now)).GetProperty("image").GetString()!);

        Assert.Equal(azurite.Port, link.Port);
        using var stranger = new HttpClient();
        Assert.Equal(build.Bytes, await stranger.GetByteArrayAsync(link, Now));
        using var sent = await device.GetAsync("images/" + build.Statement.Image.Sha256);
        Assert.Equal(azurite.Port, sent.RequestMessage!.RequestUri!.Port);
        Assert.Equal(build.Bytes, await sent.Content.ReadAsByteArrayAsync(Now));
        using var refused = await server.Anyone.GetAsync("images/" + build.Statement.Image.Sha256, Now);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Theory]
    [InlineData("server")]
    [InlineData("redirect")]
    public async Task An_image_that_vanished_strands_no_unit_and_is_mended_by_pushing_it_again(string links)
    {
        var container = azurite.NewContainer();
        await using var server = await StartAsync(links, container: container);
        using var unit = new AUnit(server, await server.AddProductAsync());
        var build = ABuild.Of("1.0.0");
        var image = build.Statement.Image.Sha256;
        await server.UploadedAsync(build);
        await DeployAsync(server, "1.0.0");
        await (await azurite.ContainerAsync(container)).DeleteBlobAsync(image, cancellationToken: Now);

        unit.Live(turns: 6);
        using var answer = await server.Admin.GetAsync("images/" + image, Now);

        Assert.Equal("0.0.0", unit.Running);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains($"The image {image} is not in the store any more", server.Log.Text, StringComparison.Ordinal);

        await server.UploadedAsync(build);
        unit.Live();
        Assert.Equal("1.0.0", unit.Running);
    }

    [Theory]
    [InlineData("server")]
    [InlineData("redirect")]
    public async Task A_download_that_the_storage_breaks_off_goes_on_at_the_last_good_chunk(string links)
    {
        await azurite.ConnectionAsync();
        await using var wire = new AWire(() => azurite.Port);
        await using var server = await StartAsync(links, wire.Port);
        using var unit = new AUnit(server, await server.AddProductAsync());
        var build = Large("1.0.0");
        await server.UploadedAsync(build);
        await DeployAsync(server, "1.0.0");
        var (broken, carried) = (0, 0L);
        unit.OnCall = _ =>
        {
            // Once more in vain, then it is back.
            if (wire.IsBroken && ++broken == 2)
            {
                carried = wire.Carried;
                wire.Mend();
            }

            return Task.FromResult(Weather.Fair);
        };

        wire.BreakAfter(40_000);
        unit.Live();

        Assert.Equal("1.0.0", unit.Running);
        Assert.Equal(2, broken);
        // What is left and its headers, not the whole again.
        Assert.InRange(wire.Carried - carried, 1, build.Bytes.Length - 20_000);
        AssertTellsNoSecret(server.Log.Text);
    }

    [Fact]
    public async Task A_unit_whose_link_is_no_longer_good_gets_another_one_when_it_asks_again()
    {
        await using var server = await StartAsync("redirect");
        using var unit = new AUnit(server, await server.AddProductAsync());
        await server.UploadedAsync(ABuild.Of("1.0.0"));
        await DeployAsync(server, "1.0.0");

        server.Time.Ahead = -TimeSpan.FromHours(1);
        unit.Live(turns: 4);
        Assert.Equal("0.0.0", unit.Running);
        server.Time.Ahead = TimeSpan.Zero;
        unit.Live();

        Assert.Equal("1.0.0", unit.Running);
    }

    [Fact]
    public async Task While_the_storage_is_down_everything_that_needs_it_is_told_to_wait_and_afterwards_goes_on()
    {
        await using var own = new Azurite();
        await using var server = await StartAsync(await own.ConnectionAsync(), "server", own.NewContainer());
        using var unit = new AUnit(server, await server.AddProductAsync());
        var image = "images/" + ABuild.Of("1.0.0").Statement.Image.Sha256;
        await server.UploadedAsync(ABuild.Of("1.0.0"));
        await DeployAsync(server, "1.0.0");

        await own.StopAsync();
        using var got = await server.Admin.GetAsync(image, Now);
        using var pushed = await server.UploadAsync(ABuild.Of("1.1.0", "another"));
        var dropped = server.DroppedAsync(ABuild.Of("1.2.0", "dropped"));
        Assert.Equal("waiting", await server.VerdictAsync("kettle/1.2.0", verdict => verdict == "waiting"));
        unit.Live(turns: 3);

        Assert.All([got, pushed], answer =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(30), answer.Headers.RetryAfter!.Delta);
        });
        Assert.Contains("storage-unavailable", await pushed.Content.ReadAsStringAsync(Now), StringComparison.Ordinal);
        Assert.Equal("0.0.0", unit.Running);
        Assert.Equal(1, (await server.GetAsync("api/v1/products/kettle/releases")).GetArrayLength());
        Assert.Contains("Azure Blob Storage does not answer (Connection refused)", server.Log.Text, StringComparison.Ordinal);
        AssertTellsNoSecret(server.Log.Text, own.Key);

        await own.ConnectionAsync();
        Assert.Equal("accepted", await dropped);
        await server.UploadedAsync(ABuild.Of("1.1.0", "another"));
        unit.Live();
        Assert.Equal("1.0.0", unit.Running);
    }

    [Fact]
    public async Task A_server_whose_storage_cannot_be_reached_does_not_start_and_says_why()
    {
        await using var wire = new AWire(() => 0);
        var connection = await azurite.ConnectionAsync(wire.Port);

        var fault = await Assert.ThrowsAsync<SettingFault>(() => StartAsync(connection, "server", "images"));

        var container = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{wire.Port}/ota/images");
        Assert.StartsWith(
            $"Setting AzureBlobs: the container {container} cannot be used: ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(azurite.Key, fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_with_a_wrong_key_does_not_start_and_says_why()
    {
        var wrong = Convert.ToBase64String(new byte[32]);
        var connection = (await azurite.ConnectionAsync()).Replace(azurite.Key, wrong, StringComparison.Ordinal);

        var fault = await Assert.ThrowsAsync<SettingFault>(() => StartAsync(connection, "server", "images"));

        Assert.Contains("answered 403", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(wrong, fault.ToString(), StringComparison.Ordinal);
    }

    private async Task<RunningServer> StartAsync(string links, int? port = null, string? container = null) =>
        await StartAsync(await azurite.ConnectionAsync(port), links, container ?? azurite.NewContainer());

    private static Task<RunningServer> StartAsync(string connection, string links, string container) =>
        RunningServer.StartAsync(null, "--AzureBlobs", connection, "--AzureContainer", container, "--ImageLinks", links);

    private static ABuild Large(string version) =>
        ABuild.Of(version, version + string.Concat(Enumerable.Range(0, 12_000).Select(n => $"{n:d5}")));

    private static Task<JsonElement> DeployAsync(RunningServer server, string version) =>
        server.PostAsync("api/v1/deployments", new { product = "kettle", version, all = true });

    private void AssertTellsNoSecret(string log, string? key = null)
    {
        Assert.DoesNotContain(key ?? azurite.Key, log, StringComparison.Ordinal);
        Assert.DoesNotContain("sig=", log, StringComparison.Ordinal);
        Assert.DoesNotContain("AccountKey", log, StringComparison.Ordinal);
    }
}
