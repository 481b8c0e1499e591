using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Releases;

namespace Ota.Cli.Devices;

/// <summary><c>ota device hand-over</c></summary>
internal static class HandOverDevice
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };
    private static readonly Option<string?> Why = new("--reason") { Description = "Why; kept in the timeline.", HelpName = "text" };

    public static Command Command { get; } = new Verb(
        "hand-over", "Let a device enroll once more with new secrets: it changes hands, or lost its old ones.", RunAsync)
    {
        Id,
        Why,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (device, _) = await call.Api.PostAsync<Reason, Device>(
            ApiPath.Of($"devices/{call.Get(Id)}/hand-over"), new Reason(call.Get(Why)), cancellation);
        call.Screen.Show(device, screen => screen.Line(
            new Cell(device.Id, Tone.Strong), " may enroll once more. Until it enrolls again, the old secrets work; that revokes them."));
    }
}
