using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.People;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

public partial class SignInTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_first_start_tells_where_the_code_for_the_first_person_is_and_the_code_works_once()
    {
        var code = _server.SetupCode;
        Assert.Contains("setup.code", _server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(code, _server.Log.Text, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_server.Data, "setup.code")));

        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        Assert.True(await ada.IsSignedInAsync());
        Assert.False(File.Exists(Path.Combine(_server.Data, "setup.code")));

        using var eve = new ABrowser(_server);
        using var again = await eve.SetUpAsync(code, "Eve");
        Assert.Equal(HttpStatusCode.BadRequest, again.StatusCode);
        Assert.False(await eve.IsSignedInAsync());
        var people = await _server.GetAsync("api/v1/people");
        Assert.Equal(("Ada", "admin"), (people[0].GetProperty("name").GetString(), people[0].GetProperty("role").GetString()));
        Assert.Equal(1, people.GetArrayLength());
    }

    [Fact]
    public async Task A_setup_code_outlives_a_restart()
    {
        var code = _server.SetupCode;
        await _server.RestartAsync();

        Assert.Equal(code, _server.SetupCode);
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        Assert.True(await ada.IsSignedInAsync());
    }

    [Fact]
    public async Task Who_is_disabled_while_they_sign_in_stays_disabled()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        var people = _server.App.Services.GetRequiredService<PeopleDirectory>();
        var person = Assert.Single(people.All());
        for (var turn = 0; turn < 200; turn++)
        {
            var signIn = people.SpendAsync(person.Id, "", CancellationToken.None);
            await people.DisableAsync(person, "Bob", CancellationToken.None);
            await signIn;

            Assert.NotNull(people.Find(person.Id)!.Disabled);
            await people.EnableAsync(person, "Bob", CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_session_outlives_a_restart_and_ends_after_twelve_idle_hours()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        await _server.RestartAsync();
        using var later = new ABrowser(_server);
        foreach (Cookie cookie in ada.Cookies.GetCookies(ada.Client.BaseAddress!))
            later.Cookies.Add(new Cookie(cookie.Name, cookie.Value, "/", "127.0.0.1"));

        Assert.True(await later.IsSignedInAsync());
        _server.Time.Ahead += TimeSpan.FromHours(13);
        Assert.False(await later.IsSignedInAsync());
    }

    [Fact]
    public async Task The_session_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        using var answer = await ada.SignInAsync("Ada");
        var cookie = answer.Headers.GetValues("Set-Cookie").Single(set => set.StartsWith("ota-session=", StringComparison.Ordinal));

        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Behind_a_proxy_that_speaks_https_the_session_cookie_is_for_https_alone()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        ada.Client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        using var answer = await ada.SignInAsync("Ada");

        Assert.Contains("; secure", answer.Headers.GetValues("Set-Cookie").Single(set => set.StartsWith("ota-session=", StringComparison.Ordinal)),
            StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_form_from_elsewhere_signs_nobody_in_or_out()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        using var eve = new ABrowser(_server);
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("name", "Ada"), KeyValuePair.Create("password", ABrowser.Password)]);
        using var signIn = await eve.Client.PostAsync("sign-in", form);
        using var signOut = await ada.Client.PostAsync("sign-out", new FormUrlEncodedContent([]));

        Assert.Equal(HttpStatusCode.BadRequest, signIn.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, signOut.StatusCode);
        Assert.True(await ada.IsSignedInAsync());
    }

    [Fact]
    public async Task Signing_out_ends_the_session_of_that_browser()
    {
        using var here = await ABrowser.OfTheFirstPersonAsync(_server);
        using var there = new ABrowser(_server);
        using var signedIn = await there.SignInAsync("Ada");
        using var signedOut = await here.SendToAsync("account", "sign-out");

        Assert.False(await here.IsSignedInAsync());
        Assert.True(await there.IsSignedInAsync());
    }

    [Theory]
    [InlineData("/devices/abc?x=1", "/devices/abc?x=1")]
    [InlineData("//evil.example/", "/")]
    [InlineData("/\\evil.example/", "/")]
    [InlineData("https://evil.example/", "/")]
    public async Task Nobody_is_led_elsewhere_by_a_link_to_the_sign_in(string then, string led)
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        using var answer = await ada.SignInAsync("Ada", then: then);

        Assert.Equal(led, answer.Headers.Location!.ToString());
    }

    [Fact]
    public async Task Guessing_is_slowed_down_alike_for_a_name_that_is_there_and_one_that_is_not()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        _server.Time.Still = _server.Time.GetUtcNow();
        foreach (var name in new[] { "Ada", "Nobody" })
        {
            // From addresses of their own, so that it is the name that is slowed down.
            for (var i = 1; i <= SignInPolicy.Free; i++)
                Assert.Equal((HttpStatusCode.BadRequest, true), await GuessAsync(name, $"10.1.{name.Length}.{i}"));
            Assert.Equal((HttpStatusCode.TooManyRequests, true), await GuessAsync(name, $"10.2.{name.Length}.1"));
        }

        // The right password does not help before the wait is over.
        using var early = await ada.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.TooManyRequests, early.StatusCode);
        Assert.True(early.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        _server.Time.Still += TimeSpan.FromSeconds(6);
        using var late = await ada.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.Redirect, late.StatusCode);
    }

    [Fact]
    public async Task An_address_that_guesses_at_many_names_is_slowed_down()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        _server.Time.Still = _server.Time.GetUtcNow();
        for (var i = 0; i < SignInPolicy.Free; i++)
            Assert.Equal(HttpStatusCode.BadRequest, (await GuessAsync("name" + i, "10.3.0.1")).Status);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await GuessAsync("another", "10.3.0.1")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await GuessAsync("another", "10.3.0.2")).Status);
    }

    [Fact]
    public async Task However_many_names_and_addresses_strangers_make_up_they_slow_no_person_down()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        // As after a flood that left no bucket of names out, and no first bucket of addresses.
        await _server.App.Services.GetRequiredService<Database>().WriteAsync(
            connection =>
            {
                var at = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
                foreach (var kind in new[] { "name", "address" })
                {
                    connection.Execute(
                        "INSERT INTO sign_in_failures (bucket, failures, at, until) VALUES (@bucket, 20, @at, @until) "
                        + "ON CONFLICT (bucket) DO UPDATE SET until = excluded.until",
                        Enumerable.Range(0, 65_536).Select(number => new { bucket = $"{kind} {number:x4}", at, until = at + 900_000 }));
                }
            },
            TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await GuessAsync("Nobody", "10.4.0.1")).Status);
        using var good = await ada.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.Redirect, good.StatusCode);
    }

    [Fact]
    public async Task Who_is_disabled_or_gets_another_role_is_out_at_once()
    {
        using var browser = await ABrowser.OfAsync(_server, "viewer");
        var id = (await _server.GetAsync("api/v1/people"))[0].GetProperty("id").GetString();
        await _server.Admin.PutAsJsonAsync($"api/v1/people/{id}/role", new { role = "support" });
        Assert.False(await browser.IsSignedInAsync());
        using var again = await browser.SignInAsync("viewer person");
        Assert.True(await browser.IsSignedInAsync());

        await _server.PostAsync($"api/v1/people/{id}/disable", new { });

        Assert.False(await browser.IsSignedInAsync());
        using var refused = await browser.SignInAsync("viewer person");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        await _server.PostAsync($"api/v1/people/{id}/enable", new { });
        using var back = await browser.SignInAsync("viewer person");
        Assert.Equal(HttpStatusCode.Redirect, back.StatusCode);
    }

    [Fact]
    public async Task An_invitation_is_for_its_person_once_and_for_three_days()
    {
        var added = await _server.PostAsync("api/v1/people", new { name = "Grace", role = "developer" });
        var (id, code) = (added.GetProperty("id").GetString(), added.GetProperty("code").GetString()!);
        using var browser = new ABrowser(_server);
        using var other = await browser.SetUpAsync(code, "Mallory");
        Assert.Equal(HttpStatusCode.BadRequest, other.StatusCode);

        _server.Time.Ahead += TimeSpan.FromDays(4);
        using var late = await browser.SetUpAsync(code, "Grace");
        Assert.Equal(HttpStatusCode.BadRequest, late.StatusCode);
        var fresh = (await _server.PostAsync($"api/v1/people/{id}/invite", new { })).GetProperty("code").GetString()!;
        using var good = await browser.SetUpAsync(fresh, "grace");
        Assert.Equal(HttpStatusCode.Redirect, good.StatusCode);
        using var twice = await browser.SetUpAsync(fresh, "Grace", "another good password");
        Assert.Equal(HttpStatusCode.BadRequest, twice.StatusCode);
    }

    [Fact]
    public async Task Another_password_ends_the_other_sessions()
    {
        using var here = await ABrowser.OfTheFirstPersonAsync(_server);
        using var there = new ABrowser(_server);
        using var signedIn = await there.SignInAsync("Ada");
        using var wrong = await here.SendToAsync("account", "account/password", ("password", "wrong wrong"), ("new", "another good one"), ("again", "another good one"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.True(await there.IsSignedInAsync());

        using var changed = await here.SendToAsync(
            "account", "account/password", ("password", ABrowser.Password), ("new", "another good one"), ("again", "another good one"));

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.True(await here.IsSignedInAsync());
        Assert.False(await there.IsSignedInAsync());
        using var old = await there.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.BadRequest, old.StatusCode);
    }

    [Fact]
    public async Task A_second_factor_is_asked_for_and_neither_its_codes_nor_recovery_codes_count_twice()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        var secret = Secret().Match(await ada.Client.GetStringAsync("account")).Groups[1].Value;
        var bytes = Totp.Read(secret)!;
        var code = CodeNow(bytes);
        using var on = await ada.SendToAsync(
            "account", "account/second-factor", ("secret", secret), ("password", ABrowser.Password), ("code", code));
        Assert.Equal(HttpStatusCode.OK, on.StatusCode);
        var recovery = Recovery().Match(await on.Content.ReadAsStringAsync()).Groups[1].Value;

        using var other = new ABrowser(_server);
        using var without = await other.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.BadRequest, without.StatusCode);
        using var used = await other.SignInAsync("Ada", code: code);
        Assert.Equal(HttpStatusCode.BadRequest, used.StatusCode);
        _server.Time.Ahead += TimeSpan.FromMinutes(2);
        using var next = await other.SignInAsync("Ada", code: CodeNow(bytes));
        Assert.Equal(HttpStatusCode.Redirect, next.StatusCode);
        using var once = await other.SignInAsync("Ada", code: recovery);
        Assert.Equal(HttpStatusCode.Redirect, once.StatusCode);
        using var twice = await other.SignInAsync("Ada", code: recovery);
        Assert.Equal(HttpStatusCode.BadRequest, twice.StatusCode);

        var stored = _server.App.Services.GetRequiredService<Database>().Read(connection =>
            connection.QuerySingle<(string Totp, string Codes, string Password)>("SELECT totp, recovery_codes, password FROM people"));
        Assert.DoesNotContain(secret, stored.Totp, StringComparison.Ordinal);
        Assert.DoesNotContain(recovery, stored.Codes, StringComparison.Ordinal);
        foreach (var hidden in new[] { secret, recovery, ABrowser.Password, stored.Password })
            Assert.DoesNotContain(hidden, _server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_keys_of_cookies_lie_sealed_in_the_database()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);

        var keys = _server.App.Services.GetRequiredService<Database>().Read(connection => connection.Query<string>("SELECT xml FROM web_keys").AsList());

        Assert.NotEmpty(keys);
        Assert.All(keys, key => Assert.Contains("<sealed", key, StringComparison.Ordinal));
        Assert.All(keys, key => Assert.DoesNotContain("<masterKey", key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_people_do_with_their_accounts_stands_in_the_audit_log()
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        using var signedIn = await ada.SignInAsync("Ada");
        using var grace = await ABrowser.OfAsync(_server, "viewer");

        var deeds = (await _server.GetAsync("api/v1/audit")).EnumerateArray()
            .Select(entry => $"{entry.GetProperty("who").GetString()} {entry.GetProperty("action").GetString()} {entry.GetProperty("subject").GetString()}")
            .Where(deed => deed.Contains("person.", StringComparison.Ordinal));
        Assert.Equal(
            ["Ada person.accept Ada", "Ada person.sign-in Ada", "first admin person.add viewer person", "viewer person person.accept viewer person"], deeds);
    }

    private string CodeNow(byte[] secret) => Totp.Code(secret, Totp.StepAt(_server.Time.GetUtcNow()));

    private async Task<(HttpStatusCode Status, bool SaysNothing)> GuessAsync(string name, string address)
    {
        using var browser = new ABrowser(_server);
        browser.Client.DefaultRequestHeaders.Add("X-Forwarded-For", address);
        using var answer = await browser.SignInAsync(name, "not the password");
        var text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, text.Contains("Name, password or code is wrong", StringComparison.Ordinal) || text.Contains("Too many attempts", StringComparison.Ordinal));
    }

    [GeneratedRegex("name=\"secret\" value=\"([A-Z2-7]{32})\"")]
    private static partial Regex Secret();

    [GeneratedRegex("<li><code>([a-z0-9-]{11})</code>")]
    private static partial Regex Recovery();
}
