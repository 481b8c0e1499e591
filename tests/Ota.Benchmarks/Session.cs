using System.Runtime.InteropServices;

namespace Ota.Benchmarks;

/// <summary>Starts both servers, runs what was asked for in alternation and prints the table.</summary>
internal sealed class Session(BenchmarkOptions options, string folder, Child server, BlynkPorts blynk, Child nginx, TestFleet fleet, byte[] image)
{
    private const int Connections = 64;

    // A device has one batch on its way at a time; that many devices make the commits they share worth their while.
    private const int ReportConnections = 256;

    private readonly Wrk _wrk = new(options.Seconds);
    private readonly Stored _stored = new(Path.Combine(folder, "data", "ota.db"));
    private long _seq = 1;

    public static async Task RunAsync(BenchmarkOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("ota-benchmarks-").FullName;
        try
        {
            SQLitePCL.Batteries_V2.Init();
            var image = new byte[1024 * 1024];
            Random.Shared.NextBytes(image);
            await using var nginx = await Nginx.StartAsync(folder, image);
            var blynk = await BlynkPorts.NewAsync(folder);
            await using var server = await OtaProcess.StartAsync(options.Server, Path.Combine(folder, "data"), blynk.Arguments);
            var fleet = new TestFleet(server.Url);
            var adminKey = await File.ReadAllTextAsync(Path.Combine(folder, "data", "admin.key"));
            await fleet.MakeAsync(adminKey.Trim(), image);
            await new Session(options, folder, server, blynk, nginx, fleet, image).MeasureAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task MeasureAsync()
    {
        Console.WriteLine(
            $"{Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}, data on {FileSystem()}");
        Console.WriteLine($"{options.Rounds} rounds of {options.Seconds} s; median (lowest–highest), ratios pair by pair");
        Console.WriteLine();
        Console.WriteLine(Figure.Heading);
        if (options.Wants("check-ins"))
            await CheckInsAsync();
        if (options.Wants("images"))
            await ImagesAsync();
        if (options.Wants("reports"))
        {
            await ReportsAsync(batch: 10);
            await ReportsAsync(batch: 1);
        }

        if (options.Wants("pins"))
            await PinsAsync();
        if (options.WantsOnly("million"))
            await new MillionFigures(options, folder, server, fleet.Tokens, nginx).RunAsync(image);
        if (options.Wants("idle-pins"))
            await IdlePinsAsync("Blynk's protocol", token => BlynkClient.ConnectAsync(blynk.Plain, token));
        if (options.WantsOnly("idle-pins-tls"))
            await IdlePinsAsync("Blynk's protocol with TLS", token => BlynkClient.ConnectSecurelyAsync(blynk.Secure, token, blynk.Certificate));
    }

    private async Task IdlePinsAsync(string how, Func<string, Task<BlynkClient>> connectAsync)
    {
        var (before, connected, later) = await new IdlePins(server, fleet).RunAsync(connectAsync);
        Console.WriteLine($"{IdlePins.Devices:N0} devices connected by {how} and silent");
        Console.WriteLine($"  resident: {before:F0} MiB before, {connected:F0} MiB with them, {later:F0} MiB half a minute later");
    }

    private async Task PinsAsync()
    {
        var pins = new PinFigures(server.Url, blynk.Plain, fleet.StaffKey);
        var tokens = await fleet.BlynkTokensAsync(PinFigures.Waiting);
        await PinsAsync($"writes to the pins of {PinFigures.Waiting:N0} devices that wait", round => pins.RunAsync(fleet.Tokens, round));
        await PinsAsync($"the same by Blynk's HTTP API to {PinFigures.Waiting:N0} devices on its port", round => pins.RunBlynkAsync(tokens, round));
    }

    private async Task PinsAsync(string what, Func<int, Task<double[]>> run)
    {
        var (p50, p99, most) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -options.WarmUps; round < options.Rounds; round++)
        {
            var milliseconds = (await run(round)).Select(seconds => 1000 * seconds).Order().ToArray();
            if (round < 0)
                continue;
            p50.Add(OpenLoop.Percentile(milliseconds, 0.5));
            p99.Add(OpenLoop.Percentile(milliseconds, 0.99));
            most.Add(milliseconds[^1]);
        }

        Console.WriteLine(what);
        Console.WriteLine($"  from write to arrival: p50 {Figure.Text(p50, "F1")} ms, p99 {Figure.Text(p99, "F1")} ms, most {Figure.Text(most, "F1")} ms");
    }

    private async Task CheckInsAsync()
    {
        var requests = fleet.Tokens.Select(TestFleet.CheckIn).ToArray();
        var ours = await PrepareAsync("check-ins", requests);
        var theirs = await PrepareAsync("small", fleet.Tokens.Select(token => TestFleet.Get("/small", token)));
        // The first of each device is not held.
        await WarmUpAsync(() => _wrk.RunAsync(server.Url, Connections, "prepared.lua", ours));

        var figure = new Figure("held check-ins/s");
        await AlternateAsync(figure, ours, theirs);
        Console.WriteLine(figure);

        var (half, p50, p99) = (figure.Median / 2, new List<double>(), new List<double>());
        for (var round = 0; round < options.Rounds; round++)
        {
            var latencies = await OpenLoop.RunAsync(
                server.Port, requests, Connections, half, TimeSpan.FromSeconds(options.Seconds));
            p50.Add(OpenLoop.Percentile(latencies, 0.5));
            p99.Add(OpenLoop.Percentile(latencies, 0.99));
        }

        Console.WriteLine($"  latency at {half:N0}/s: p50 {Figure.Text(p50, "F1")} ms, p99 {Figure.Text(p99, "F1")} ms");
    }

    private async Task ImagesAsync()
    {
        var ours = await PrepareAsync("images", fleet.Tokens.Select(token => TestFleet.Get(fleet.ImagePath, token)));
        var theirs = await PrepareAsync("image", fleet.Tokens.Select(token => TestFleet.Get("/image", token)));
        await WarmUpAsync(() => _wrk.RunAsync(server.Url, Connections, "prepared.lua", ours));

        var figure = new Figure("image downloads of 1 MiB/s");
        await AlternateAsync(figure, ours, theirs);
        Console.WriteLine(figure);
    }

    private async Task ReportsAsync(int batch)
    {
        var tokens = Path.Combine(folder, "tokens");
        await File.WriteAllLinesAsync(tokens, fleet.Tokens);
        await WarmUpAsync(() => ReportRunAsync(tokens, batch));

        var figure = new Figure($"durable reports/s, {batch} a request");
        var commits = new List<double>();
        for (var round = 0; round < options.Rounds; round++)
        {
            var (reports, committed) = await ReportRunAsync(tokens, batch);
            figure.Add(reports);
            commits.Add(committed);
        }

        Console.WriteLine(figure);
        Console.WriteLine($"  in commits/s: {Figure.Text(commits, "N0")}");
    }

    private async Task<(double Reports, double Commits)> ReportRunAsync(string tokens, int batch)
    {
        var (rows, commits) = (_stored.Reports(), _stored.Commits());
        var run = await _wrk.RunAsync(
            server.Url, ReportConnections, "reports.lua", tokens, $"{Wrk.Threads}", $"{_seq}", $"{batch}");
        _seq += run.Answers * batch;
        var kept = _stored.Reports() - rows;
        return kept >= run.Answers * batch
            ? (run.Rate * batch, unchecked(_stored.Commits() - commits) * run.Rate / run.Answers)
            : throw new InvalidOperationException($"{run.Answers * batch} reports were acknowledged, {kept} are there.");
    }

    // With both cores at their limit the just-in-time compiler needs some ten seconds to come to its best code.
    private async Task WarmUpAsync(Func<Task> run)
    {
        for (var turn = 0; turn < options.WarmUps; turn++)
            await run();
    }

    private async Task AlternateAsync(Figure figure, string ours, string theirs)
    {
        for (var round = 0; round < options.Rounds; round++)
        {
            var our = await _wrk.RunAsync(server.Url, Connections, "prepared.lua", ours);
            var their = await _wrk.RunAsync(nginx.Url, Connections, "prepared.lua", theirs);
            figure.Add(our.Rate, their.Rate);
        }
    }

    private Task<string> PrepareAsync(string name, IEnumerable<byte[]> requests) => Requests.PrepareAsync(Path.Combine(folder, name + ".requests"), requests);

    // Durable means little on a file system in memory; say where it was.
    private string FileSystem() => new DriveInfo(folder).DriveFormat;
}
