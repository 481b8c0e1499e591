using System.CommandLine;
using System.Text;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Labels;

namespace Ota.Cli.Units;

/// <param name="Ssid">At most 32 bytes.</param>
internal sealed record RescueNetwork(string Ssid, string Password)
{
    public byte[] Svg(string product, string hardwareId) => Encoding.UTF8.GetBytes(UnitLabel.Svg(product, hardwareId, Ssid, Password));

    public byte[] Png() => UnitLabel.Png(Ssid, Password);
}

/// <summary><c>ota unit label</c></summary>
internal static class ShowLabel
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };
    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Write the label there: an .svg to print, or a .png of its code.",
        HelpName = "file",
    };

    public static Command Command { get; } = new Verb(
        "label", "Show the rescue network on a unit's label, or print the label again. Audited.", RunAsync) { Id, Out };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var device = await call.Api.GetAsync<Devices.DeviceDetail>(ApiPath.Of($"devices/{call.Get(Id)}"), cancellation);
        var file = call.Get(Out);
        if (file is not null && Path.GetExtension(file) is not (".svg" or ".png"))
            throw FailureException.Usage("--out is an .svg (the label) or a .png (its code).");
        var (network, _) = await call.Api.PostAsync<RescueNetwork>(ApiPath.Of($"devices/{device.Id}/rescue-network"), cancellation);
        if (file is not null)
            LocalFile.Write(file, Path.GetExtension(file) == ".png" ? network.Png() : network.Svg(device.Product ?? "", device.HardwareId ?? ""));
        call.Screen.Show(network, screen =>
        {
            screen.Line("Name a phone's hotspot so, and the unit finds it within a minute or two of failing to find its own network:");
            screen.Facts(("Network", new Cell(network.Ssid, Tone.Strong)), ("Password", new Cell(network.Password, Tone.Strong)), ("Written to", file));
        });
    }
}
