using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>A client meets either of two servers on one PostgreSQL at any moment, and none when the database is gone.</summary>
public sealed class ClientsOfTwoServersTests
{
    [Fact]
    public async Task What_one_server_began_the_other_goes_on_with()
    {
        await using var one = await RunningServer.OnPostgreSqlAsync();
        await one.AddProductAsync();
        await one.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await one.UploadedAsync(ABuild.Of("1.1.0", "firmware two"));
        await using var two = await RunningServer.OnPostgreSqlAsync(one);
        var (id, here) = await AnEspSketch.AdoptAsync(one);
        var there = new AnEspSketch(two, here.Path);

        await there.HeldAsync();
        await one.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", device = id });
        Assert.Equal("firmware two", System.Text.Encoding.ASCII.GetString(await here.FetchAsync()));
        there.Version = "1.1.0";
        await there.HeldAsync();

        Assert.Equal("confirmed", await there.StateAsync());
    }

    [Fact]
    public async Task A_client_that_is_merely_held_is_answered_while_the_database_is_gone()
    {
        // Of its own: it is stopped in the middle.
        var postgreSql = new PostgreSql();
        await using var server = await RunningServer.OnPostgreSqlAsync(await postgreSql.NewDatabaseAsync());
        await server.AddProductAsync();
        await server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        var sketch = (await AnEspSketch.AdoptAsync(server)).Sketch;
        await sketch.HeldAsync();

        await postgreSql.DisposeAsync();

        await sketch.HeldAsync();
        await sketch.HeldAsync();
        sketch.Version = "1.1.0";
        Assert.Equal(503, (await sketch.AskAsync()).Status);
    }
}
