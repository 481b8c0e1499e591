using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Session;

namespace Ota.Cli.Devices;

/// <summary><c>ota device blynk-token</c></summary>
internal static class BlynkCloudToken
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };

    private static readonly Option<bool> Forget = new("--forget") { Description = "Forget the token; the cloud is told nothing more." };

    private static readonly Option<bool> Show = new("--show") { Description = "Only show how telling the cloud stands." };

    public static Command Command { get; } = new Verb(
        "blynk-token", "Give a device's token in the Blynk cloud of its product, on the first line of stdin or asked for; it is kept sealed and never "
        + "shown. The token that a sketch holds for this server is 'ota pin token --blynk'.", RunAsync) { Id, Forget, Show };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(Forget) && call.Get(Show))
            throw FailureException.Usage("Give --forget or --show, not both.");
        var path = ApiPath.Of($"devices/{call.Get(Id)}/blynk-token");
        var cloud = call.Get(Show)
            ? await call.Api.GetAsync<CloudToken>(path, cancellation)
            : await call.Api.PutAsync<CloudTokenChange, CloudToken>(path, new CloudTokenChange(await TokenAsync(call, cancellation)), cancellation);
        call.Screen.Show(cloud, screen => screen.Facts(
            ("Device", new Cell(cloud.Device, Tone.Strong)),
            ("Cloud", cloud.Url ?? "none; 'ota product blynk' names one"),
            ("Token", cloud.HasToken ? "kept" : "none"),
            ("Told", When.Exact(cloud.LastTold)),
            ("Not taken", cloud.LastError is null ? "" : $"{When.Exact(cloud.LastFailed)}: {cloud.LastError}"),
            ("Tells next", When.Exact(cloud.Due))));
    }

    private static async Task<string?> TokenAsync(Call call, CancellationToken cancellation) =>
        call.Get(Forget) ? null
        : SecretInput.CanAsk ? (await SecretInput.AskAsync("Token in the cloud", cancellation)).Trim()
        : SecretInput.FromStdin("token").Trim();
}

/// <param name="Token">Null to forget it.</param>
internal sealed record CloudTokenChange(string? Token);

/// <summary>How telling a device's cloud stands; without its token.</summary>
internal sealed record CloudToken(
    string Device, string? Url, bool HasToken, DateTimeOffset? Due, DateTimeOffset? LastTold, DateTimeOffset? LastFailed, string? LastError);
