using System.Net;
using Dapper;
using Npgsql;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>One new person of the provider who comes back in several browsers at the same moment.</summary>
internal static class ProviderRace
{
    private const int Tabs = 8;

    /// <summary>Half of them at each server; every one of them is signed in.</summary>
    public static async Task RunAsync(AProvider provider, RunningServer one, RunningServer other)
    {
        var tabs = Enumerable.Range(0, Tabs).Select(i => new ABrowser(i % 2 == 0 ? one : other)).ToArray();
        var backs = new List<string>();
        foreach (var tab in tabs)
            backs.Add(await provider.BackAsync(tab));

        var answers = await Task.WhenAll(tabs.Zip(backs, (tab, back) => tab.Client.GetAsync(back)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode));
        foreach (var tab in tabs)
        {
            Assert.True(await tab.IsSignedInAsync());
            tab.Dispose();
        }

        Array.ForEach(answers, answer => answer.Dispose());
    }
}

public sealed class ProviderRaceTests
{
    [Theory]
    [InlineData("read committed")]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task A_new_person_who_signs_in_at_two_servers_at_once_becomes_one_whatever_the_database_isolates_by(string isolation)
    {
        var connectionString = await PostgreSql.Instance.NewDatabaseAsync();
        await using (var connection = new NpgsqlConnection(connectionString + ";Pooling=false"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await connection.ExecuteAsync($"ALTER DATABASE \"{connection.Database}\" SET default_transaction_isolation = '{isolation}'");
        }

        await using var provider = await AProvider.StartAsync();
        await using var one = await RunningServer.OnPostgreSqlAsync(connectionString, beside: null, provider.Settings());
        await using var other = await RunningServer.OnPostgreSqlAsync(connectionString, one, provider.Settings());
        foreach (var subject in new[] { "ada-1", "ada-2", "ada-3" })
        {
            provider.Subject = subject;
            await ProviderRace.RunAsync(provider, one, other);
        }

        Assert.Equal(3, (await one.GetAsync("api/v1/people")).GetArrayLength());
    }
}
