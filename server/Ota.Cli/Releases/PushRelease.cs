using System.CommandLine;
using System.Net.Http.Headers;
using System.Text;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Session;

namespace Ota.Cli.Releases;

/// <summary><c>ota release push</c></summary>
internal static class PushRelease
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Argument<string> File = new("file") { Description = "The image." };
    private static readonly StatementOptions Options = new();

    private static readonly Option<string?> Channel = new("--channel")
    {
        Description = "The stream of releases it belongs to; stable unless given.",
        HelpName = "name",
    };

    private static readonly Option<string?> Statement = new("--statement")
    {
        Description = "A statement 'ota sign' wrote, instead of --key and what describes the release.",
        HelpName = "file",
    };

    public static Command Command { get; } = Build();

    private static Verb Build()
    {
        var command = new Verb(
            "push",
            "Sign a build here and upload it. The release key never leaves this machine. Nothing is deployed by it.",
            RunAsync)
        {
            Product,
            Version,
            File,
            Statement,
            Channel,
        };
        Options.AddTo(command);
        return command;
    }

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (product, version, api) = (call.Get(Product), call.Get(Version), call.Api);
        if (call.Get(Channel) is { } channel)
            Arguments.Named("channel", channel);
        await using var file = LocalFile.Open(call.Get(File));
        var tail = await Options.DeviceSignatureAsync(call, file, cancellation);
        await using var image = await SignedFile.WithAsync(file, tail, kept: null, cancellation);
        var signed = call.Get(Statement) is { } statement
            ? await OfflineAsync(call, statement, image, cancellation)
            : await Options.SignAsync(call, product, version, image, cancellation);

        var path = ApiPath.Of($"products/{product}/releases").With("channel", call.Get(Channel));
        var (release, created) = await TransferBar.ShowAsync("Uploading", image.Length, progress =>
            api.UploadAsync<Release>(path, sent => Form(signed.Compact, image, sent), progress, cancellation));
        call.Screen.Show(release, screen =>
        {
            screen.Line(created ? "Uploaded." : "It was there already" + Kept(release, call.Get(Channel) ?? "stable", signed.Statement.Notes));
            release.Facts(screen, call.Now);
        });
    }

    private static string Kept(Release there, string channel, string? notes)
    {
        var kept = new List<string>();
        if (there.Channel is not null && there.Channel != channel)
            kept.Add($"it stays on channel {there.Channel}");
        if ((there.Notes ?? "") != (notes ?? ""))
            kept.Add("its notes stay as they were");
        return kept.Count == 0 ? ", just so." : "; " + string.Join(" and ", kept) + ".";
    }

    private static async Task<Signed> OfflineAsync(Call call, string file, FileStream image, CancellationToken cancellation)
    {
        if (Options.Given(call).FirstOrDefault() is { } option)
            throw FailureException.Usage($"{option} is part of what was signed; it cannot stand beside --statement.");
        var signed = StatementFile.Read(file, call.Get(Product), call.Get(Version));
        return await StatementFile.DifferenceAsync(image, signed.Statement.Image, cancellation) is { } difference
            ? throw FailureException.Usage($"{call.Get(File)} is not the image that was signed: it {difference}")
            : signed;
    }

    // The statement goes first: the server can refuse it before the image arrives.
    private static MultipartFormDataContent Form(string compact, FileStream image, IProgress<long> sent)
    {
        var statement = new ByteArrayContent(Encoding.ASCII.GetBytes(compact));
        statement.Headers.ContentType = new MediaTypeHeaderValue("application/jose");
        var bytes = new FileContent(image, sent);
        bytes.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return new MultipartFormDataContent { { statement, "statement" }, { bytes, "image", "image.bin" } };
    }
}
