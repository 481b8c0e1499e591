using System.Diagnostics;

namespace Ota.Benchmarks;

/// <summary>What the memory of the server's process comes to with so many devices logged in on Blynk's port, of which none says anything.</summary>
internal sealed class IdlePins(Child server, TestFleet fleet)
{
    /// <summary>Devices, each with a connection of its own.</summary>
    public const int Devices = 10_000;
    private const int AtOnce = 16;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    /// <summary>Mebibytes of the process before, with all of them connected, and after it was left alone with them for half a minute.</summary>
    /// <param name="connectAsync">Connects the device that has this Blynk token.</param>
    public async Task<(double Before, double Connected, double Later)> RunAsync(Func<string, Task<BlynkClient>> connectAsync)
    {
        await fleet.GrowAsync(Devices);
        var tokens = await fleet.BlynkTokensAsync(Devices);
        var before = Resident();
        var clients = new BlynkClient[Devices];
        await Parallel.ForAsync(0, Devices, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
            clients[i] = await connectAsync(tokens[i]));
        var connected = Resident();
        await Task.Delay(Quiet);
        var later = Resident();
        await StillThereAsync(clients);
        foreach (var client in clients)
            client.Dispose();
        return (before, connected, later);
    }

    // A write to the first and to the last: they are connected, and heard at once.
    private async Task StillThereAsync(BlynkClient[] clients)
    {
        foreach (var i in (int[])[0, Devices - 1])
        {
            var next = clients[i].NextAsync();
            await fleet.WriteAsync(fleet.Tokens[i].Split('.')[0], "still there");
            await next.WaitAsync(TimeSpan.FromSeconds(10));
        }
    }

    private double Resident()
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.WorkingSet64 / (1024.0 * 1024);
    }
}
