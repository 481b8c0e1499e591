using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Ota.Benchmarks;

/// <summary>What a server with a million registered devices takes, beside one with a thousand and beside nginx, in the same rounds.</summary>
internal sealed class MillionFigures(BenchmarkOptions options, string folder, Child small, IReadOnlyList<string> tokens, Child nginx)
{
    private const int Connections = 64;

    /// <summary>Of the million, who asks in the rounds that say "spread".</summary>
    private const int Spread = 200_000;

    private readonly Wrk _wrk = new(options.Seconds);

    public async Task RunAsync(byte[] image)
    {
        await RunAsync("SQLite", database: null, image);
        await using var postgres = await PostgresServer.StartAsync();
        if (postgres is null)
            Console.WriteLine("PostgreSQL is not installed; its figures are left out.");
        else
            await RunAsync("PostgreSQL", postgres.ConnectionString, image);
    }

    private static string[] Named(string? database) => database is null ? [] : ["--Database", database];

    private async Task RunAsync(string name, string? database, byte[] image)
    {
        var data = Path.Combine(folder, "million-" + name);
        var (fleet, million) = (await MakeAsync(data, database, image), new MillionDevices(data, database));
        var missing = million.Fill(fleet.Tokens[0].Split('.')[0]);
        var starting = Stopwatch.StartNew();
        await using var server = await OtaProcess.StartAsync(options.Server, data, Named(database));
        var ready = starting.Elapsed;
        Console.WriteLine();
        Console.WriteLine($"{MillionDevices.Count:N0} devices on {name}");
        Console.WriteLine($"  from start to ready                {ready.TotalSeconds:F1} s (goal: below 15 s)");
        Console.WriteLine($"  resident memory, ready             {server.ResidentMegabytes():N0} MB (goal: below 700 MB)");

        await CheckInsAsync(name, server, fleet, million.Tokens(missing, Spread));
        Console.WriteLine($"  resident memory, after check-ins   {server.ResidentMegabytes():N0} MB");
        var rollouts = new List<double>();
        for (var round = 0; round <= options.Rounds; round++)
        {
            var milliseconds = await RolloutAsync(server, fleet.StaffKey);
            if (round > 0)
                rollouts.Add(milliseconds);
        }

        Console.WriteLine($"  starting a rollout over all        {Figure.Text(rollouts, "F0")} ms (goal: below 100 ms)");
    }

    private async Task<TestFleet> MakeAsync(string data, string? database, byte[] image)
    {
        await using var server = await OtaProcess.StartAsync(options.Server, data, Named(database));
        var fleet = new TestFleet(server.Url);
        await fleet.MakeAsync((await File.ReadAllTextAsync(Path.Combine(data, "admin.key"))).Trim(), image);
        await OpenLoop.RunAsync(server.Port, [.. fleet.Tokens.Select(TestFleet.CheckIn)], connections: 16, rate: 500, TimeSpan.FromSeconds(3));
        return fleet;
    }

    private async Task CheckInsAsync(string name, Child server, TestFleet fleet, IEnumerable<string> spread)
    {
        (string What, Uri Url, string Requests, List<double> Rates)[] runs =
        [
            ("1,024 devices of 1,024", small.Url, await PrepareAsync("thousand", tokens.Select(TestFleet.CheckIn)), []),
            ("1,024 devices of 1,000,000", server.Url, await PrepareAsync("same", fleet.Tokens.Select(TestFleet.CheckIn)), []),
            ($"{Spread:N0} devices of 1,000,000", server.Url, await PrepareAsync("spread", spread.Select(TestFleet.CheckIn)), []),
            ("nginx", nginx.Url, await PrepareAsync("small", tokens.Select(token => TestFleet.Get("/small", token))), []),
        ];
        for (var round = -options.WarmUps; round < options.Rounds; round++)
        {
            foreach (var (_, url, requests, rates) in runs)
            {
                var run = await _wrk.RunAsync(url, Connections, "prepared.lua", requests);
                if (round >= 0)
                    rates.Add(run.Rate);
            }
        }

        Console.WriteLine($"  held check-ins/s                   {"",-26} to a thousand (goal: 0.80)   to nginx");
        foreach (var (what, _, _, rates) in runs)
            Console.WriteLine($"    {what,-32} {Figure.Text(rates, "N0"),-26} {Ratio(rates, runs[0].Rates),-29} {Ratio(rates, runs[^1].Rates)}");

        Task<string> PrepareAsync(string what, IEnumerable<byte[]> requests) => Requests.PrepareAsync(Path.Combine(folder, $"{name}-{what}"), requests);
    }

    // Starts one that goes in stages, and ends it.
    private static async Task<double> RolloutAsync(Child server, string staffKey)
    {
        using var client = new HttpClient { BaseAddress = server.Url };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", staffKey);
        var started = Stopwatch.GetTimestamp();
        using var answer = await client.PostAsJsonAsync("/api/v1/rollouts", new { product = "bench", version = "1.0.0", waves = new[] { "1%", "rest" } });
        var took = Stopwatch.GetElapsedTime(started);
        var id = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64();
        using var ended = await client.PostAsJsonAsync($"/api/v1/rollouts/{id}/abort", new { });
        ended.EnsureSuccessStatusCode();
        return took.TotalMilliseconds;
    }

    private static string Ratio(List<double> ours, List<double> theirs) =>
        Figure.Text([.. ours.Zip(theirs, (our, their) => our / their)], "F2");
}
