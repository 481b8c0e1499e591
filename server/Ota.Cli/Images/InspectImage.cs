using System.CommandLine;
using System.Security.Cryptography;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Images;

namespace Ota.Cli.Images;

/// <param name="Whole">False when no device could run it; <paramref name="Defect"/> says why.</param>
internal sealed record Inspected(
    string File, long Size, string Sha256, string Format, bool Whole, string? Defect, string? Chip, string? Project,
    string? Version, uint? SecureVersion, string? BuiltWith, bool Compressed, IReadOnlyList<ImageMember>? Members)
{
    public static Inspected Of(string file, long size, string sha256, ImageFacts facts) => new(
        file, size, sha256, facts.Format, facts.Defect is null, facts.Defect, facts.Chip, facts.Project,
        facts.Version, facts.SecureVersion, facts.BuiltWith, facts.Compressed, facts.Members);

    public void Write(Screen screen)
    {
        screen.Facts(
            ("Format", (Format, Members) switch
            {
                (ImageFacts.Nano, not null) => "nano, a slot image",
                (ImageFacts.Nano, null) when Defect is null => "nano, bare assemblies: make a slot image of them with 'ota image pack'",
                (ImageFacts.Raw, _) => "raw: nothing that is known by its bytes",
                _ => Compressed ? Format + ", gzip" : Format,
            }),
            ("Chip", Chip),
            ("Project", Project),
            ("Version", Version),
            ("Secure version", SecureVersion is > 0 ? SecureVersion.ToString() : ""),
            ("Built with", BuiltWith),
            ("Size", $"{Size:N0} bytes"),
            ("SHA-256", Sha256),
            ("Defect", new Cell(Defect is null ? "" : "It " + Defect, Tone.Bad)));
        if (Members is null)
            return;
        screen.Line();
        screen.Table(
            ["Assembly", "Version", "Bytes", "Part"],
            [.. Members.Select((member, index) => new Cell[]
            {
                member.Name ?? "?", member.Version, $"{member.Size:N0}", index == Members.Count - 1 ? "entry" : "member",
            })],
            "");
    }
}

/// <summary><c>ota image inspect</c></summary>
internal static class InspectImage
{
    private static readonly Argument<string> Image = new("file") { Description = "An image of any format." };

    public static Command Command { get; } = new Verb(
        "inspect", "Show what an image's bytes say of it. Exit code 1 when it is damaged.", RunAsync)
    {
        Image,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var file = call.Get(Image);
        await using var image = LocalFile.Open(file);
        if (image.Length == 0)
            throw FailureException.Usage($"{file} is empty.");
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(image, cancellation));
        image.Position = 0;
        var inspected = Inspected.Of(file, image.Length, sha256, ImageInspector.Inspect(image));
        call.Screen.Show(inspected, inspected.Write);
        if (inspected.Defect is { } defect)
            throw FailureException.NotVerified($"{file} {defect}");
    }
}
