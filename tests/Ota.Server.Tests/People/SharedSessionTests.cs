using System.Net;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

public sealed class SignInOnPostgreSqlTests : SignInTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class SharedSessionTests
{
    [Fact]
    public async Task A_session_begun_at_one_server_is_good_at_another_and_ends_at_both()
    {
        await using var one = await RunningServer.OnPostgreSqlAsync();
        await using var other = await RunningServer.OnPostgreSqlAsync(one);
        using var here = await ABrowser.OfTheFirstPersonAsync(one);
        using var there = new ABrowser(other);
        await UntilAsync(async () =>
        {
            using var signedIn = await there.SignInAsync("Ada");
            return signedIn.StatusCode == HttpStatusCode.Redirect;
        });
        foreach (Cookie cookie in here.Cookies.GetCookies(here.Client.BaseAddress!))
            there.Cookies.Add(new Cookie(cookie.Name, cookie.Value, "/", "127.0.0.1"));
        Assert.True(await there.IsSignedInAsync());

        using var ended = await here.SendToAsync("account", "account/sign-out-everywhere");

        await UntilAsync(async () => !await there.IsSignedInAsync());
        Assert.False(await here.IsSignedInAsync());
    }

    // What another server wrote is heard of within a second; a wait that is over sooner is not held up.
    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var patience = DateTimeOffset.UtcNow.AddSeconds(20);
        while (!await holds())
        {
            Assert.True(DateTimeOffset.UtcNow < patience, "It did not come to hold.");
            await Task.Delay(50);
        }
    }
}
