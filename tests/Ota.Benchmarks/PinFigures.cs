using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Ota.Benchmarks;

/// <summary>
/// How soon a write to a pin reaches a device that waits for it: all devices wait, an app writes to each of them once, and the time is taken
/// from before the app's call to the device's answer.
/// </summary>
internal sealed class PinFigures(Uri server, int blynkPort, string staffKey)
{
    /// <summary>Devices that wait at a time.</summary>
    public const int Waiting = 1000;
    private const int Apps = 32;

    /// <summary>Seconds from write to arrival, one for each device.</summary>
    public async Task<double[]> RunAsync(IReadOnlyList<string> tokens, int round)
    {
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 2 * Waiting }) { BaseAddress = server };
        var devices = tokens.Take(Waiting).ToArray();
        var seqs = await Task.WhenAll(devices.Select(token => CaughtUpAsync(client, token)));
        var (sent, arrived) = (new long[Waiting], new long[Waiting]);
        var waiting = devices.Select(async (token, i) =>
        {
            var told = await AskAsync(client, token, seqs[i], wait: 55);
            arrived[i] = Stopwatch.GetTimestamp();
            var value = told!.Value.GetProperty("writes")[0].GetProperty("value").GetString();
            if (value != $"{round}")
                throw new InvalidOperationException($"{round} was written, {value} arrived.");
        }).ToArray();

        // All of them wait once the server is quiet.
        await Task.Delay(TimeSpan.FromSeconds(2));
        await Parallel.ForAsync(0, Waiting, new ParallelOptions { MaxDegreeOfParallelism = Apps }, async (i, cancellation) =>
        {
            sent[i] = Stopwatch.GetTimestamp();
            await WriteAsync(client, devices[i].Split('.')[0], $"{round}", cancellation);
        });
        await Task.WhenAll(waiting);
        return [.. sent.Zip(arrived, (from, to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds)];
    }

    /// <summary>The same where all devices are connected by Blynk's protocol, and the app writes by the HTTP API with the device's token.</summary>
    public async Task<double[]> RunBlynkAsync(IReadOnlyList<string> tokens, int round)
    {
        using var client = new HttpClient { BaseAddress = server };
        var devices = await Task.WhenAll(tokens.Take(Waiting).Select(token => BlynkClient.ConnectAsync(blynkPort, token)));
        var (sent, arrived) = (new long[Waiting], new long[Waiting]);
        var waiting = devices.Select(async (device, i) =>
        {
            var value = await device.NextAsync();
            arrived[i] = Stopwatch.GetTimestamp();
            if (value != $"{round}")
                throw new InvalidOperationException($"{round} was written, {value} arrived.");
        }).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(2));
        await Parallel.ForAsync(0, Waiting, new ParallelOptions { MaxDegreeOfParallelism = Apps }, async (i, cancellation) =>
        {
            sent[i] = Stopwatch.GetTimestamp();
            using var answer = await client.GetAsync($"/external/api/update?token={tokens[i]}&v5={round}", cancellation);
            answer.EnsureSuccessStatusCode();
        });
        await Task.WhenAll(waiting);
        Array.ForEach(devices, device => device.Dispose());
        return [.. sent.Zip(arrived, (from, to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds)];
    }

    private static async Task<long> CaughtUpAsync(HttpClient client, string token)
    {
        var seq = 0L;
        while (await AskAsync(client, token, seq, wait: 0) is { } told)
            seq = told.GetProperty("seq").GetInt64();
        return seq;
    }

    private static async Task<JsonElement?> AskAsync(HttpClient client, string token, long after, int wait)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/agent/v1/pins?after={after}&wait={wait}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return answer.StatusCode == System.Net.HttpStatusCode.NoContent ? null : await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task WriteAsync(HttpClient client, string device, string value, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/devices/{device}/pins/5") { Content = JsonContent.Create(new { value }) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", staffKey);
        using var answer = await client.SendAsync(request, cancellation);
        answer.EnsureSuccessStatusCode();
    }
}
