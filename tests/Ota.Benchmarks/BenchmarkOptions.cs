namespace Ota.Benchmarks;

/// <summary>What to measure, and how long.</summary>
/// <param name="Server">The published server's assembly.</param>
/// <param name="Rounds">How often each pair is run.</param>
/// <param name="Seconds">Of each run.</param>
/// <param name="WarmUps">Runs before the ones that count.</param>
/// <param name="Only">What the names of the measurements must begin with; null runs all.</param>
internal sealed record BenchmarkOptions(string Server, int Rounds, int Seconds, int WarmUps, string? Only)
{
    public const string Usage =
        "Usage: Ota.Benchmarks --server Ota.Server.dll [--quick] [--rounds N] [--seconds N] "
        + "[--only check-ins|images|reports|pins|idle-pins|idle-pins-tls|million]";

    public static BenchmarkOptions? Read(string[] args)
    {
        var options = new BenchmarkOptions("", Rounds: 5, Seconds: 4, WarmUps: 3, Only: null);
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i], i + 1 < args.Length ? args[i + 1] : null)
            {
                case ("--quick", _):
                    options = options with { Rounds = 1, Seconds = 2, WarmUps = 1 };
                    continue;
                case ("--server", { } server):
                    options = options with { Server = Path.GetFullPath(server) };
                    break;
                case ("--rounds", { } rounds) when int.TryParse(rounds, out var count) && count > 0:
                    options = options with { Rounds = count };
                    break;
                case ("--seconds", { } seconds) when int.TryParse(seconds, out var count) && count > 0:
                    options = options with { Seconds = count };
                    break;
                case ("--only", { } only):
                    options = options with { Only = only };
                    break;
                default:
                    return null;
            }

            i++;
        }

        return File.Exists(options.Server) ? options : null;
    }

    /// <summary>For what takes minutes, or gigabytes, or a server that did nothing before.</summary>
    public bool WantsOnly(string measurement) => Only == measurement;

    public bool Wants(string measurement) => Only is null || Only == measurement;
}
