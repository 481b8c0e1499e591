using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Releases;

internal sealed record DropFolderEntry(
    string Path, string? Product, string? Version, string? Result, string? Detail, DateTimeOffset? At);

/// <summary><c>ota release dropped</c></summary>
internal static class ShowDropFolder
{
    public static Command Command { get; } = new Verb("dropped", "Show what the server made of its drop folder.", RunAsync);

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var entries = await call.Api.GetAsync<DropFolderEntry[]>(ApiPath.Of($"drop-folder"), cancellation);
        call.Screen.Show(entries, screen => screen.Table(
            ["Path", "Product", "Version", "Result", "Detail", "Seen"],
            [.. entries.Select(entry => new Cell[]
            {
                entry.Path, entry.Product, entry.Version, Cell.State(entry.Result), entry.Detail, When.Ago(entry.At, call.Now),
            })],
            "Nothing has been dropped yet."));
    }
}
