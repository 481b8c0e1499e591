using System.Diagnostics;
using System.Text.Json;

namespace Ota.Benchmarks;

/// <summary>Runs wrk once and reads what its script prints.</summary>
internal sealed class Wrk(int seconds)
{
    public const int Threads = 2;

    private sealed record Figures(long Requests, long Microseconds, long Failed);

    /// <summary>Answers each second, all of them good ones.</summary>
    public async Task<Throughput> RunAsync(Uri url, int connections, string script, params string[] arguments)
    {
        string[] all =
        [
            $"-t{Threads}", $"-c{connections}", $"-d{seconds}s", "--timeout", "10s",
            "-s", Path.Combine(AppContext.BaseDirectory, "wrk", script), url.ToString(), "--", .. arguments,
        ];
        using var process = Process.Start(new ProcessStartInfo("wrk", all) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var line = output.Split('\n').LastOrDefault(line => line.StartsWith("figures ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException("wrk said nothing:\n" + output);
        var figures = JsonSerializer.Deserialize<Figures>(line["figures ".Length..], JsonSerializerOptions.Web)!;
        // A rate of refusals is no figure of anything.
        return figures.Failed == 0
            ? new Throughput(figures.Requests, figures.Requests / (figures.Microseconds / 1e6))
            : throw new InvalidOperationException($"{figures.Failed} of {figures.Requests} requests failed:\n{output}");
    }
}

/// <summary>One run: answers in all, and each second.</summary>
internal sealed record Throughput(long Answers, double Rate);
