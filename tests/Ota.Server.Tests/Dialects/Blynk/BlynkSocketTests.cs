using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Devices;
using Ota.Server.Dialects.Blynk;
using Ota.Server.Pins;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>Blynk's binary protocol on a real port, byte by byte as the clients in the field speak it.</summary>
public sealed class BlynkSocketTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private string _enrollmentKey = "";
    private ADevice _device = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(null, "--BlynkPort", "127.0.0.1:0");
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        _token = await ASketch.TokenAsync(_server, _device.Id);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_bytes_of_the_cpp_library_are_answered_as_it_expects()
    {
        await using var sketch = await ASketch.ConnectAsync(_server);
        await sketch.SendHexAsync("1d00010020" + Convert.ToHexStringLower(System.Text.Encoding.ASCII.GetBytes(_token)));
        Assert.Equal("00000100c8", await sketch.ReadHexAsync(5));
        await sketch.SendAsync(17, 2, "ver\01.3.2\0h-beat\040\0buff-in\01024\0dev\0ESP32\0fw\01.0.0\0build\0Jan  1 2026 00:00:00\0tmpl\0TMPL1\0");
        Assert.Equal("00000200c8", await sketch.ReadHexAsync(5));
        await sketch.SendHexAsync("14 0003 0007 7677003500 3432");
        await sketch.SendHexAsync("10 0004 0004 76720035");
        Assert.Equal("14 0004 0007 7677003500 3432".Replace(" ", "", StringComparison.Ordinal), await sketch.ReadHexAsync(12));
        await sketch.SendHexAsync("06 0005 0000");
        Assert.Equal("00000500c8", await sketch.ReadHexAsync(5));
        Assert.Equal(("42", "device"), await ShownAsync("5"));
    }

    [Fact]
    public async Task The_older_login_of_the_python_client_is_taken_too()
    {
        await using var sketch = await ASketch.ConnectAsync(_server);
        await sketch.SendAsync(2, 1, _token);

        Assert.Equal("00000100c8", await sketch.ReadHexAsync(5));
        await sketch.PingAsync();
    }

    [Fact]
    public async Task A_write_by_staff_or_by_the_http_api_reaches_a_connected_sketch_and_what_it_writes_itself_does_not_come_back()
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendAsync(20, 2, "vw\09\0own");
        await _server.SetPinAsync(_device, "1", "by staff");
        Assert.Equal("vw|1|by staff", await sketch.WrittenAsync());

        await _server.Anyone.GetStringAsync($"external/api/update?token={_token}&pin=V2&value=13.4&value=52.5");
        Assert.Equal("vw|2|13.4|52.5", await sketch.WrittenAsync());
        Assert.Equal(("own", "device"), await ShownAsync("9"));
    }

    [Fact]
    public async Task A_sketch_that_comes_back_is_told_nothing_until_it_asks_and_then_what_it_asks_for()
    {
        await _server.SetPinAsync(_device, "1", "a");
        await _server.SetPinAsync(_device, "3", "c");
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.PingAsync();

        await sketch.SendAsync(16, 5, "vr\03\02\01");
        Assert.Equal((20, 5, "vw\03\0c"), await sketch.NextAsync());
        Assert.Equal((20, 5, "vw\01\0a"), await sketch.NextAsync());
        // All there are, and none of the server's own.
        await sketch.SendAsync(16, 6, "");
        Assert.Equal((20, 6, "vw\01\0a"), await sketch.NextAsync());
        Assert.Equal((20, 6, "vw\03\0c"), await sketch.NextAsync());
        await sketch.PingAsync();
    }

    [Fact]
    public async Task Several_values_of_one_write_stay_apart_and_a_lone_byte_of_another_alphabet_is_a_letter()
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendAsync(20, 2, "vw\04\0p\00\01\0line one 🙂\n");
        await sketch.SendHexAsync("14 0003 0008 767700 3500 3231 b0");
        await sketch.PingAsync();

        Assert.Equal("[\"p\",\"0\",\"1\",\"line one \\uD83D\\uDE42\\n\"]", await _server.Anyone.GetStringAsync($"{_token}/get/V4"));
        await sketch.SendAsync(16, 4, "vr\04");
        Assert.Equal("vw|4|p|0|1|line one 🙂\n", await sketch.WrittenAsync());
        Assert.Equal(("21°", "device"), await ShownAsync("5"));
    }

    [Fact]
    public async Task A_value_that_the_sketch_cannot_hold_is_not_sent_to_it()
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendAsync(17, 2, "ver\01.0\0buff-in\0100\0");
        Assert.Equal((0, 2, "200"), await sketch.NextAsync());

        await _server.SetPinAsync(_device, "1", new string('x', 200));
        await _server.SetPinAsync(_device, "2", "short");

        Assert.Equal("vw|2|short", await sketch.WrittenAsync());
    }

    [Theory]
    [InlineData("14 0003 0002 7677")]
    [InlineData("14 0003 0007 7677 00 323536 00")]
    [InlineData("14 0003 0007 6477 00 35 00 3432")]
    [InlineData("14 0003 0009 7677 00 323532 00 78 00")]
    [InlineData("10 0003 0004 7672 0078")]
    [InlineData("13 0003 0000")]
    public async Task What_makes_no_sense_is_answered_with_illegal_command_and_the_session_goes_on(string frame)
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendHexAsync(frame);

        Assert.Equal("0000030002", await sketch.ReadHexAsync(5));
        await sketch.PingAsync();
    }

    [Fact]
    public async Task An_event_stands_in_the_timeline_and_a_flood_of_them_does_not()
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendAsync(64, 2, "overheated\0boiler at 99\u001b°C");
        Assert.Equal((0, 2, "200"), await sketch.NextAsync());
        var taken = 1;
        for (ushort id = 3; id < 80; id++)
        {
            await sketch.SendAsync(64, id, "again");
            taken += (await sketch.NextAsync()).Body == "200" ? 1 : 0;
        }

        Assert.InRange(taken, 50, 52);
        var timeline = (await _device.ShownAsync()).GetProperty("timeline").EnumerateArray().Where(entry => entry.GetProperty("kind").GetString() == "event");
        Assert.Equal(taken, timeline.Count());
        Assert.Equal("overheated: boiler at 99 °C", timeline.First().GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_sketch_that_floods_is_told_so_and_stays()
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        var flood = Enumerable.Range(2, 200).SelectMany(id => ASketch.Frame(20, (ushort)id, $"vw\01\0{id}")).ToArray();
        await sketch.SendAsync(flood);
        await sketch.SendAsync(6, 999, "");
        var told = new List<string>();
        while (await sketch.NextAsync() is var (_, id, body) && id != 999)
            told.Add(body);

        // Fifty at once and ten a second are taken.
        Assert.InRange(told.Count, 1, 150);
        Assert.All(told, status => Assert.Equal("1", status));
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("not a token, but of 32 letters..")]
    [InlineData("0123456789012345678901234567890")]
    public async Task A_wrong_token_is_answered_invalid_token_and_the_connection_ends(string token)
    {
        await using var sketch = await ASketch.ConnectAsync(_server);
        await sketch.SendAsync(29, 1, token);

        Assert.Equal("0000010009", Convert.ToHexStringLower(await sketch.EndAsync()));
    }

    [Fact]
    public async Task A_token_with_one_other_letter_is_none()
    {
        for (var i = 0; i < _token.Length; i++)
        {
            await using var sketch = await ASketch.ConnectAsync(_server);
            await sketch.SendAsync(29, 1, _token[..i] + (_token[i] == 'A' ? 'B' : 'A') + _token[(i + 1)..]);
            Assert.Equal("0000010009", Convert.ToHexStringLower(await sketch.EndAsync()));
        }
    }

    [Fact]
    public async Task Nothing_is_taken_before_a_login()
    {
        await using var sketch = await ASketch.ConnectAsync(_server);
        await sketch.SendAsync(20, 1, "vw\05\042");

        Assert.Equal("0000010005", Convert.ToHexStringLower(await sketch.EndAsync()));
        using var none = await _server.Admin.GetAsync($"api/v1/devices/{_device.Id}/pins/5");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    [Theory]
    [InlineData("14 0000 0002 7677")]
    [InlineData("14 0003 1001")]
    [InlineData("474554202f20485454502f312e310d0a0d0a")]
    public async Task A_frame_without_an_id_or_too_long_ends_the_connection_and_no_other(string bytes)
    {
        await using var other = await ASketch.LoggedInAsync(_server, await OtherTokenAsync());
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendHexAsync(bytes);

        Assert.Empty(await sketch.EndAsync());
        await other.PingAsync();
        Assert.Equal("false", await _server.Anyone.GetStringAsync($"external/api/isHardwareConnected?token={_token}"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_bytes_before_and_after_a_login_end_in_a_clean_close_at_the_worst_and_no_other_device_hears_of_it(int seed)
    {
        var random = new Random(seed);
        await using var other = await ASketch.LoggedInAsync(_server, await OtherTokenAsync());
        for (var round = 0; round < 150; round++)
        {
            await using var sketch = random.Next(2) == 0 ? await ASketch.ConnectAsync(_server) : await ASketch.LoggedInAsync(_server, _token);
            var bytes = new byte[random.Next(1, 300)];
            random.NextBytes(bytes);
            for (var at = 0; at + 5 < bytes.Length && random.Next(4) != 0; at += 5 + bytes[at + 4])
                (bytes[at], bytes[at + 3], bytes[at + 4]) = ((byte)random.Next(66), 0, (byte)random.Next(30));
            await sketch.SendAsync(bytes);
            sketch.EndSending();
            await sketch.EndAsync();
        }

        await other.PingAsync();
        Assert.DoesNotContain("failed", _server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_login_of_the_same_device_takes_the_place_of_the_first()
    {
        await using var first = await ASketch.LoggedInAsync(_server, _token);
        await using var second = await ASketch.LoggedInAsync(_server, _token);

        Assert.Empty(await first.EndAsync());
        await _server.SetPinAsync(_device, "1", "a");
        Assert.Equal("vw|1|a", await second.WrittenAsync());
        Assert.Equal("true", await _server.Anyone.GetStringAsync($"external/api/isHardwareConnected?token={_token}"));
    }

    [Fact]
    public async Task A_first_session_that_comes_to_its_pins_only_after_the_second_one_did_takes_nothing_from_it()
    {
        await using var second = await ASketch.LoggedInAsync(_server, _token);
        await second.PingAsync();
        var lines = _server.App.Services.GetRequiredService<PinLines>();
        var device = _server.App.Services.GetRequiredService<Fleet>().Find(_device.Id)!;
        using var over = new CancellationTokenSource();
        var first = lines.NextAsync(device, PinReader.Blynk, long.MaxValue, Timeout.InfiniteTimeSpan, 8, over.Token);
        await second.PingAsync();
        await over.CancelAsync();
        await first;

        await _server.SetPinAsync(_device, "1", "a");
        Assert.Equal("vw|1|a", await second.WrittenAsync());
    }

    [Fact]
    public async Task Who_does_not_log_in_within_seconds_is_let_go_of_even_while_bytes_trickle_in()
    {
        await using var silent = await ASketch.ConnectAsync(_server);
        await using var slow = await ASketch.ConnectAsync(_server);
        await slow.SendHexAsync("1d 0001 00");

        Assert.Empty(await silent.EndAsync());
        Assert.Empty(await slow.EndAsync());
    }

    [Fact]
    public async Task A_sketch_that_was_silent_for_2_3_heartbeats_is_let_go_of_also_when_it_has_begun_a_frame()
    {
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendAsync(17, 2, "h-beat\01\0");
        Assert.Equal((0, 2, "200"), await sketch.NextAsync());
        await sketch.SendHexAsync("14 0003 0010 76");

        Assert.Empty(await sketch.EndAsync());
    }

    [Fact]
    public async Task More_strangers_than_there_is_room_for_do_not_keep_a_device_out()
    {
        var strangers = new List<ASketch>();
        for (var i = 0; i < BlynkSessions.MostStrangers + 50; i++)
            strangers.Add(await ASketch.ConnectAsync(_server));

        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.PingAsync();
        // The oldest had to go.
        Assert.Empty(await strangers[0].EndAsync());
        foreach (var stranger in strangers)
            await stranger.DisposeAsync();
    }

    [Fact]
    public async Task A_device_that_was_handed_over_is_let_go_of_and_its_former_token_opens_nothing()
    {
        await _device.HeldAsync();
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await _server.PostAsync($"api/v1/devices/{_device.Id}/hand-over", new { });
        await ADevice.EnrollAsync(_server, _enrollmentKey);

        Assert.Empty(await sketch.EndAsync());
        await using var again = await ASketch.ConnectAsync(_server);
        await again.SendAsync(29, 1, _token);
        Assert.Equal("0000010009", Convert.ToHexStringLower(await again.EndAsync()));
        await using var next = await ASketch.LoggedInAsync(_server, await ASketch.TokenAsync(_server, _device.Id));
    }

    [Fact]
    public async Task A_server_that_stops_says_goodbye_and_remembers_the_pins()
    {
        await using (var sketch = await ASketch.LoggedInAsync(_server, _token))
        {
            await sketch.SendAsync(20, 2, "vw\05\042");
            await sketch.PingAsync();
            await _server.RestartAsync();
            Assert.Empty(await sketch.EndAsync());
        }

        await using var again = await ASketch.LoggedInAsync(_server, _token);
        await again.SendAsync(16, 2, "vr\05");
        Assert.Equal("vw|5|42", await again.WrittenAsync());
    }

    [Fact]
    public async Task With_tls_a_sketch_logs_in_and_one_that_speaks_in_the_clear_is_let_go_of()
    {
        var folder = Directory.CreateTempSubdirectory("ota-blynk-");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=ota.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (file, keyFile) = (Path.Combine(folder.FullName, "cert.pem"), Path.Combine(folder.FullName, "key.pem"));
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await using var server = await RunningServer.StartAsync(
            null, "--BlynkTlsPort", "127.0.0.1:0", "--Certificate", file, "--CertificateKey", keyFile);
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        var token = await ASketch.TokenAsync(server, device.Id);
        var address = server.App.Services.GetRequiredService<BlynkListener>().SecuredAddress!;

        await using var sketch = await ASketch.ConnectAsync(server, address);
        var secured = new SslStream(sketch.Stream, leaveInnerStreamOpen: false, (_, shown, _, _) => shown!.GetCertHashString() == certificate.GetCertHashString());
        sketch.Stream = secured;
        await secured.AuthenticateAsClientAsync("ota.test");
        await sketch.SendAsync(29, 1, token);
        Assert.Equal("00000100c8", await sketch.ReadHexAsync(5));
        await server.SetPinAsync(device, "1", "a");
        Assert.Equal("vw|1|a", await sketch.WrittenAsync());

        await using var clear = await ASketch.ConnectAsync(server, address);
        await clear.SendAsync(29, 1, token);
        Assert.DoesNotContain("00000100c8", Convert.ToHexStringLower(await clear.EndAsync()), StringComparison.Ordinal);
        await sketch.PingAsync();
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("--BlynkPort", "localhost")]
    [InlineData("--BlynkPort", "70000")]
    [InlineData("--BlynkTlsPort", "127.0.0.1:0")]
    public async Task A_port_that_cannot_be_is_refused_at_the_start(string setting, string value)
    {
        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(null, setting, value));
        Assert.Contains(setting[2..], fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_of_a_session_is_in_no_log()
    {
        await using (var sketch = await ASketch.LoggedInAsync(_server, _token))
            await sketch.PingAsync();

        Assert.Contains("Blynk clients are taken on 127.0.0.1", _server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(_token, _server.Log.Text, StringComparison.Ordinal);
    }

    private async Task<string> OtherTokenAsync() =>
        await ASketch.TokenAsync(_server, (await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02")).Id);

    private async Task<(string?, string?)> ShownAsync(string pin)
    {
        var shown = await _server.PinAsync(_device, pin);
        return (shown.GetProperty("value").GetString(), shown.GetProperty("source").GetString());
    }
}
