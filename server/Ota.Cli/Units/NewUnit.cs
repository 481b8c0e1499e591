using System.Buffers.Text;
using System.CommandLine;
using System.Text;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Products;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Units;

internal sealed record UnitAsked(string HardwareId);

internal sealed record MadeUnit(string Product, string HardwareId, string UnitFile, string Label, string Code);

/// <summary><c>ota unit new</c>: what the factory writes into one unit, and what it glues to it.</summary>
internal static class NewUnit
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> HardwareId = new("hardware-id") { Description = "What the unit calls itself: on our firmware the station's MAC in hex." };
    private static readonly Option<string> Out = new("--out") { Description = "The folder to write to; made if it is not there.", HelpName = "folder", Required = true };
    private static readonly Option<string?> Hardware = new("--hardware") { Description = "Which of the product's hardware; needed when there are several.", HelpName = "name" };
    private static readonly Option<string> Url = new("--server-url") { Description = "The server's address as the unit reaches it.", HelpName = "url", Required = true };
    private static readonly Option<string?> Authority = new("--ca") { Description = "The CA certificate (PEM) that the server's certificate descends from.", HelpName = "file" };
    private static readonly Option<string[]> ReleaseKeys = new("--release-key")
    {
        Description = "The public release keys (PEM) it trusts, from your own files and not from a server. Repeat it for several.",
        HelpName = "file",
        Required = true,
    };

    public static Command Command { get; } = new Verb(
        "new", "Make one unit's file for the factory, and its label with the rescue network. Audited.", RunAsync)
    {
        Product,
        HardwareId,
        Out,
        Url,
        ReleaseKeys,
        Hardware,
        Authority,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var product = await call.Api.ProductAsync(call.Get(Product), cancellation);
        if (product.EnrollmentKey is null)
            throw FailureException.Usage("Making units takes a developer's key: only that sees the enrollment key.");
        var keys = call.Get(ReleaseKeys)!.Select(Keys.KeyFiles.OpenPublic).ToArray();
        if (keys.FirstOrDefault(key => product.ReleaseKeys.All(known => known.Id != key.Id)) is { } stranger)
            throw FailureException.Usage($"Key {stranger.Id} is none that {product.Name} trusts: {string.Join(", ", product.ReleaseKeys.Select(key => key.Id))}.");
        var (text, id) = (File(call, product, keys), call.Get(HardwareId));
        var (network, _) = await call.Api.PostAsync<UnitAsked, RescueNetwork>(
            ApiPath.Of($"products/{product.Name}/units"), new UnitAsked(id), cancellation);

        var folder = Directory.CreateDirectory(call.Get(Out)!).FullName;
        var made = new MadeUnit(
            product.Name, id, Path.Combine(folder, "unit.txt"), Path.Combine(folder, "label.svg"), Path.Combine(folder, "label.png"));
        PrivateFile.Replace(made.UnitFile, text.Replace("{ssid}", network.Ssid, StringComparison.Ordinal).Replace("{password}", network.Password, StringComparison.Ordinal));
        LocalFile.Write(made.Label, network.Svg(product.Name, id));
        LocalFile.Write(made.Code, network.Png());
        call.Screen.Show(made, screen =>
        {
            screen.Line("Made ", new Cell(id, Tone.Strong), $", a {product.Name}.");
            screen.Facts(
                ("Into the unit", made.UnitFile + "  (as I:\\unit.txt; it holds secrets, only you can read it)"),
                ("Onto the unit", made.Label),
                ("Its code alone", made.Code));
        });
    }

    // firmware/README.md, "The unit file".
    private static string File(Call call, Product product, IReadOnlyList<ReleaseKey> keys)
    {
        var hardware = call.Get(Hardware) ?? (product.Hardware is [var only] ? only
            : throw FailureException.Usage($"{product.Name} exists on {string.Join(", ", product.Hardware)}; choose one by --hardware."));
        if (!product.Hardware.Contains(hardware))
            throw FailureException.Usage($"{product.Name} exists on {string.Join(", ", product.Hardware)}, not on {hardware}.");
        if (!Uri.TryCreate(call.Get(Url), UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            throw FailureException.Usage("--server-url is like https://ota.example.org.");
        var authority = call.Get(Authority) is { } file ? LocalFile.Text(file).Trim() : null;
        if (authority?.StartsWith("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal) == false)
            throw FailureException.Usage($"{call.Get(Authority)} is no PEM certificate.");
        if (server.Scheme == "https" && authority is null)
            throw FailureException.Usage("A unit believes https only with --ca, the certificate its server's descends from.");
        var lines = new StringBuilder()
            .Append($"server = {server.ToString().TrimEnd('/')}\n")
            .Append($"product = {product.Name}\n")
            .Append($"hardware = {hardware}\n")
            .Append($"enrollment-key = {product.EnrollmentKey}\n")
            .Append($"key-counter = {product.KeyCounter}\n");
        foreach (var key in keys)
            lines.Append($"release-key = {Base64Url.EncodeToString(key.Modulus)}\n");
        lines.Append("rescue-ssid = {ssid}\nrescue-password = {password}\n");
        if (authority is not null)
            lines.Append(authority).Append('\n');
        return lines.ToString();
    }
}
