using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Staff;

internal sealed record AuditEntry(long Number, DateTimeOffset? At, string? Who, string? Action, string? Subject, string? Detail);

/// <summary><c>ota audit</c></summary>
internal static class ShowAudit
{
    private static readonly Option<long?> After = new("--after") { Description = "Only entries after this number.", HelpName = "number" };
    private static readonly Option<int?> Limit = new("--limit") { Description = "At most so many.", HelpName = "n" };

    public static Command Command { get; } = new Verb("audit", "Show who did what, oldest first.", RunAsync) { After, Limit };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var path = ApiPath.Of($"audit").With("after", call.Get(After)).With("limit", call.Get(Limit));
        var entries = await call.Api.GetAsync<AuditEntry[]>(path, cancellation);
        call.Screen.Show(entries, screen => screen.Table(
            ["Number", "When", "Who", "Did", "What", "Detail"],
            [.. entries.Select(entry => new Cell[]
            {
                (long?)entry.Number, When.Exact(entry.At), new(entry.Who, Tone.Strong), entry.Action, entry.Subject, entry.Detail,
            })],
            "Nothing to show."));
    }
}
