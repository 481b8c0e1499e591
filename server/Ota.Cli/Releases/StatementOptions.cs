using System.CommandLine;
using System.Globalization;
using Ota.Cli.Images;
using Ota.Cli.Keys;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Images;
using Ota.Signing;

namespace Ota.Cli.Releases;

/// <summary>A signed statement and its bytes as signed.</summary>
internal sealed record Signed(ReleaseStatement Statement, string Compact, string Signer)
{
    public string Hash => Jws.HashOf(Compact);
}

/// <summary>The options from which a release statement is made: the same for <c>ota sign</c> and <c>ota release push</c>.</summary>
internal sealed class StatementOptions
{
    public Option<string?> Key { get; } = new("--key")
    {
        Description = "The private RELEASE key (PEM) that signs; it stays here. Not your staff key.",
        HelpName = "file",
    };

    public Option<string[]> Hardware { get; } = new("--hardware")
    {
        Description = "The hardware the image runs on, e.g. esp32. Repeat it for several.",
        HelpName = "name",
    };

    public Option<string?> Kind { get; } = new("--kind")
    {
        Description = "application (default), or recovery: clears credentials, then goes back.",
    };

    public Option<int?> SecurityCounter { get; } = new("--security-counter")
    {
        Description = "The anti-rollback floor devices rise to once this release is confirmed; 0 unless given.",
        HelpName = "n",
    };

    public Option<string?> Notes { get; } = new("--notes") { Description = "What changed, at most 2,000 characters.", HelpName = "text" };

    public Option<string?> Format { get; } = new("--format")
    {
        Description = "The image's format; else it is told from its bytes. Only raw takes any bytes for esp… hardware.",
    };

    public Option<string?> DeviceKey { get; } = new("--device-key")
    {
        Description = "With --format esp8266-signed or esp32-signed: the private key (PEM) that the device's own updater knows.",
        HelpName = "file",
    };

    public StatementOptions()
    {
        Kind.AcceptOnlyFromAmong(Arguments.Kinds);
        Format.AcceptOnlyFromAmong(ImageFacts.Nano, ImageFacts.Esp32, ImageFacts.Esp8266, ImageFacts.Raw, DeviceSignature.Esp8266, DeviceSignature.Esp32);
    }

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[Key, Hardware, Kind, SecurityCounter, Notes, Format, DeviceKey, KeyPassword.Stdin])
            command.Add(option);
    }

    /// <summary>The names of those that were given.</summary>
    public IEnumerable<string> Given(Call call)
    {
        (Option Option, bool IsGiven)[] options =
        [
            (Key, call.Get(Key) is not null),
            (Hardware, call.Get(Hardware) is { Length: > 0 }),
            (Kind, call.Get(Kind) is not null),
            (SecurityCounter, call.Get(SecurityCounter) is not null),
            (Notes, call.Get(Notes) is not null),
            (Format, call.Get(Format) is not null),
            (DeviceKey, call.Get(DeviceKey) is not null),
        ];
        return options.Where(option => option.IsGiven).Select(option => option.Option.Name);
    }

    /// <summary>
    /// What the device's own updater verifies, to stand behind the image; empty when no such signature was asked for.
    /// </summary>
    public async Task<byte[]> DeviceSignatureAsync(Call call, FileStream image, CancellationToken cancellation)
    {
        var (format, key) = (call.Get(Format), call.Get(DeviceKey));
        if (DeviceSignature.PlainOf(format) is null)
        {
            return key is null
                ? []
                : throw FailureException.Usage($"--device-key goes with --format {DeviceSignature.Esp8266} or {DeviceSignature.Esp32}.");
        }

        if (key is null)
            throw FailureException.Usage($"--format {format} needs --device-key, the key whose public half the device's firmware has.");
        if (image.Length == 0)
            throw FailureException.Usage($"{image.Name} is empty.");
        return await DeviceSignature.MakeAsync(call, format!, key, image, cancellation);
    }

    /// <summary>Hashes the image once from start to end and signs what it is.</summary>
    public async Task<Signed> SignAsync(Call call, string product, string version, FileStream image, CancellationToken cancellation)
    {
        Arguments.Named("product", product);
        Arguments.Versioned(version);
        var keyFile = call.Get(Key) ?? throw FailureException.Usage("Give --key, the release key that signs.");
        var hardware = call.Get(Hardware) is { Length: > 0 } names
            ? names
            : throw FailureException.Usage("Give --hardware, what the image runs on; e.g. --hardware esp32.");
        // Before the key is opened, so that a password is not asked for in vain.
        if (image.Length == 0)
            throw FailureException.Usage($"{image.Name} is empty.");
        using var key = await KeyFiles.OpenPrivateAsync(call, keyFile, cancellation);

        var format = DeviceSignature.PlainOf(call.Get(Format)) ?? call.Get(Format) ?? FormatOf(call, image, hardware);
        image.Position = 0;
        var description = await TransferBar.ShowAsync(
            "Hashing", image.Length, progress => ImageDigests.OfAsync(image, image.Length, format, progress, cancellation));
        var statement = new ReleaseStatement(
            product, version, call.Get(Kind) ?? ReleaseStatement.ApplicationKind, hardware, call.Get(SecurityCounter) ?? 0,
            Created(call.Now), description, call.Get(Notes));
        if (statement.Fault() is { } fault)
            throw FailureException.Usage(fault);
        var compact = statement.Sign(key);
        return compact.Length <= Jws.MaximumLength
            ? new Signed(statement, compact, KeyFiles.PublicHalf(key, keyFile).Id)
            : throw FailureException.Usage($"The statement is longer than {Jws.MaximumLength:N0} characters; shorten --notes.");
    }

    // https://reproducible-builds.org/specs/source-date-epoch/: with it, signing the same build twice gives the same statement, so
    // pushing it twice is pushing it once.
    private static long Created(DateTimeOffset now) =>
        long.TryParse(Connection.Variable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? epoch
            : now.ToUnixTimeSeconds();

    private static string FormatOf(Call call, FileStream image, string[] hardware)
    {
        image.Position = 0;
        var facts = ImageInspector.Inspect(image);
        // Any bytes are an image for hardware nobody here knows; Espressif's chips start nothing but what would have been recognized.
        if (facts.Format == ImageFacts.Raw && hardware.FirstOrDefault(IsEsp) is { } chip)
            throw FailureException.Usage(NoImageFor(chip, image));
        if (facts.Defect is { } defect)
            call.Screen.Warn($"{image.Name} {defect} A server will refuse it.");
        if (facts is { Format: ImageFacts.Nano, Members: null, Defect: null })
            call.Screen.Warn($"{image.Name} is a bare assembly, and devices start slot images; make one with 'ota image pack'.");
        return facts.Format;
    }

    private static bool IsEsp(string hardware) => hardware.StartsWith("esp", StringComparison.OrdinalIgnoreCase);

    private static string NoImageFor(string chip, FileStream image)
    {
        image.Position = 0;
        return $"{image.Name} is no image that an {chip} could start. "
            + (UnknownImage.Guess(image) is { } guess ? "It " + guess + " " : "")
            + "If it is right as it is, give --format raw.";
    }
}
