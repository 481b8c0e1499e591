using System.Net;
using System.Net.Http.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>Who signs in by OpenID Connect: their role, their session, and who they are here.</summary>
public class ProviderTests : AtAProvider
{
    [Fact]
    public async Task Who_the_provider_vouches_for_is_in_with_the_highest_role_of_their_groups_and_stands_among_the_people()
    {
        Provider.Groups = ["everyone", "ota-devs", "knitting"];
        using var ada = new ABrowser(Server);
        Assert.Contains("Sign in with 127.0.0.1", await ada.Client.GetStringAsync("sign-in"), StringComparison.Ordinal);

        var back = await Provider.BackAsync(ada, "/rollouts");
        using var answer = await ada.Client.GetAsync(back);

        Assert.Equal((HttpStatusCode.Redirect, "/rollouts"), (answer.StatusCode, answer.Headers.Location?.ToString()));
        Assert.True(await ada.IsSignedInAsync());
        var person = (await Server.GetAsync("api/v1/people"))[0];
        Assert.Equal(("Ada Lovelace", "developer", "active", Provider.Address), (Text(person, "name"), Text(person, "role"), Text(person, "state"), Text(person, "provider")));
        Assert.Equal(
            [$"OpenID Connect person.add Ada Lovelace as developer, ada-1 of {Provider.Address}", "Ada Lovelace person.sign-in Ada Lovelace by OpenID Connect"],
            await DeedsAsync());
        Assert.Contains("which keeps your password", await ada.Client.GetStringAsync("account"), StringComparison.Ordinal);
        foreach (var secret in new[] { AProvider.Secret, Uri.EscapeDataString(AProvider.Secret), "an-access-token", Part(back, "code"), Part(back, "state") })
            Assert.DoesNotContain(secret, Server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_is_taken_at_each_sign_in_and_another_one_ends_the_sessions_before()
    {
        using var here = await SignedInAsync();
        Provider.Groups = ["ota-admins"];
        using var there = await SignedInAsync();

        Assert.False(await here.IsSignedInAsync());
        var people = await Server.GetAsync("api/v1/people");
        Assert.Equal((1, "admin"), (people.GetArrayLength(), Text(people[0], "role")));
        Assert.Contains("OpenID Connect person.role Ada Lovelace to admin", await DeedsAsync());
        using var again = await SignedInAsync();
        Assert.True(await there.IsSignedInAsync());
    }

    [Fact]
    public async Task A_provider_that_is_gone_when_somebody_comes_back_from_it_is_said_to_be_gone_and_nobody_is_refused()
    {
        using var ada = new ABrowser(Server);
        var back = await Provider.BackAsync(ada);
        await Provider.StopAsync();

        using var answer = await ada.Client.GetAsync(back);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("The provider cannot be reached.", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(await ada.IsSignedInAsync());
    }

    [Fact]
    public async Task A_session_ends_after_twelve_hours_however_much_it_is_used()
    {
        using var ada = await SignedInAsync();
        for (var hours = 0; hours < 11; hours += 5)
        {
            Assert.True(await ada.IsSignedInAsync());
            Server.Time.Ahead += TimeSpan.FromHours(5);
        }

        Assert.False(await ada.IsSignedInAsync());
    }

    [Fact]
    public async Task Who_signs_in_for_the_first_time_in_many_tabs_at_once_becomes_one_person_and_is_in_at_each()
    {
        await ProviderRace.RunAsync(Provider, Server, Server);

        var person = Assert.Single((await Server.GetAsync("api/v1/people")).EnumerateArray());
        Assert.Equal("Ada Lovelace", Text(person, "name"));
    }

    [Fact]
    public async Task Who_is_disabled_here_stays_out_whatever_the_provider_says()
    {
        using var ada = await SignedInAsync();
        var id = Text((await Server.GetAsync("api/v1/people"))[0], "id");
        await Server.PostAsync($"api/v1/people/{id}/disable", new { });

        Assert.False(await ada.IsSignedInAsync());
        await AssertRefusedAsync("Your account here is disabled", people: 1);
    }

    [Fact]
    public async Task A_person_of_the_provider_is_given_no_password_and_no_other_role_here()
    {
        using var ada = await SignedInAsync();
        var id = Text((await Server.GetAsync("api/v1/people"))[0], "id");

        using var invited = await Server.Admin.PostAsJsonAsync($"api/v1/people/{id}/invite", new { });
        using var promoted = await Server.Admin.PutAsJsonAsync($"api/v1/people/{id}/role", new { role = "admin" });

        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.Conflict), (invited.StatusCode, promoted.StatusCode));
        Assert.Contains("signs in with", await promoted.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var eve = new ABrowser(Server);
        using var byPassword = await eve.SignInAsync("Ada Lovelace", "");
        Assert.Equal(HttpStatusCode.BadRequest, byPassword.StatusCode);
    }

    [Fact]
    public async Task Nobody_becomes_somebody_else_by_a_name_or_an_address_for_mail()
    {
        using var local = await ABrowser.OfTheFirstPersonAsync(Server, "Ada Lovelace");
        using var first = await SignedInAsync();
        Provider.Subject = "ada-2";
        using var second = await SignedInAsync();

        var people = (await Server.GetAsync("api/v1/people")).EnumerateArray().Select(person => (Text(person, "name"), Text(person, "role"))).Order().ToArray();
        Assert.Equal([("Ada Lovelace", "admin"), ("Ada Lovelace (2)", "developer"), ("ada@example.com", "developer")], people);
        Assert.True(await local.IsSignedInAsync());
    }

    [Fact]
    public async Task The_first_person_may_come_by_the_provider_and_the_setup_code_is_void_then()
    {
        var code = Server.SetupCode;
        Provider.Groups = ["ota-admins"];
        using var ada = await SignedInAsync();

        Assert.False(File.Exists(Path.Combine(Server.Data, "setup.code")));
        using var eve = new ABrowser(Server);
        using var late = await eve.SetUpAsync(code, "Eve");
        Assert.Equal(HttpStatusCode.BadRequest, late.StatusCode);
    }

    [Fact]
    public async Task Who_has_no_role_by_their_groups_is_told_so_and_is_nobody_here()
    {
        Provider.Groups = ["knitting"];

        await AssertRefusedAsync("nothing that it says of you gives you a role here");
    }

    [Fact]
    public async Task Who_comes_back_without_a_role_is_signed_out_wherever_they_had_one()
    {
        Provider.Groups = ["ota-admins"];
        using var here = await SignedInAsync();
        Provider.Groups = ["knitting"];

        await AssertRefusedAsync("nothing that it says of you gives you a role here", people: 1);

        Assert.False(await here.IsSignedInAsync());
        Assert.Contains("OpenID Connect person.sign-out Ada Lovelace has no role any more", await DeedsAsync());
    }

    [Fact]
    public async Task When_the_provider_rolls_its_keys_over_the_next_to_sign_in_does_not_notice()
    {
        using var before = await SignedInAsync();
        Provider.RollOver();

        using var after = await SignedInAsync();

        Assert.True(await before.IsSignedInAsync());
    }

    [Fact]
    public async Task A_role_by_an_address_for_mail_needs_one_that_the_provider_verified()
    {
        await using var server = await Provider.ServerAsync("--OidcRoleClaim", "email", "--OidcRoles", "ada@example.com=admin");
        using var ada = new ABrowser(server);
        Provider.Claims = claims => claims["email_verified"] = false;
        using var typed = await Provider.SignInAsync(ada);
        Assert.Equal(HttpStatusCode.Forbidden, typed.StatusCode);

        Provider.Claims = _ => { };
        using var verified = await Provider.SignInAsync(ada);
        Assert.Equal(HttpStatusCode.Redirect, verified.StatusCode);
    }

    private async Task<string[]> DeedsAsync() =>
    [
        .. (await Server.GetAsync("api/v1/audit")).EnumerateArray().Where(entry => Text(entry, "action").StartsWith("person.", StringComparison.Ordinal))
            .Select(entry => $"{Text(entry, "who")} {Text(entry, "action")} {Text(entry, "subject")} {Text(entry, "detail")}").Order(StringComparer.Ordinal).Reverse(),
    ];
}
