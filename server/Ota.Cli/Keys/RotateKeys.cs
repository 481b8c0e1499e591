using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Products;
using Ota.Cli.Releases;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Keys;

/// <param name="Keys">Ids of the keys trusted from now on.</param>
/// <param name="File">Where the statement was written; null when it was sent to the server.</param>
/// <param name="NoLongerTrusted">Versions that no device takes any more until they are signed anew; null when the server was not asked.</param>
internal sealed record RotationResult(
    string Product, int Counter, IReadOnlyList<string> Keys, string? File, string Statement, IReadOnlyList<string>? NoLongerTrusted);

/// <summary><c>ota keys rotate</c></summary>
internal static class RotateKeys
{
    private const int MostKeys = 8;

    // A counter is spent for good on every device that takes it. A server that was broken into must not be able to have the last
    // possible one signed, so one this high is believed only from the developer.
    private const int MostBelieved = 1000;

    private static readonly Argument<string> Product = Arguments.Product();

    private static readonly Option<string> Key = new("--key")
    {
        Description = "A private release key that is trusted now; it signs the change.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<string[]> New = new("--new")
    {
        Description = "A public key to trust from now on. Repeat it for several; keys that are not named lose their trust.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<bool> Keep = new("--keep") { Description = "Go on trusting the key that signs, too." };

    private static readonly Option<int?> Counter = new("--counter")
    {
        Description = "Higher than that of every earlier rotation of this product; the factory set counts as 0. "
            + "Else one more than the server says; with --out it must be given.",
        HelpName = "n",
    };

    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Write the signed statement to this file instead of sending it.",
        HelpName = "file",
    };

    public static Command Command { get; } = new Verb(
        "rotate",
        "Replace the keys a product's server and devices trust, by a statement that a trusted key signs.",
        RunAsync)
    {
        Product,
        Key,
        New,
        Keep,
        Counter,
        Out,
        KeyPassword.Stdin,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var product = Arguments.Named("product", call.Get(Product));
        var counter = await CounterAsync(call, product, cancellation);
        var keys = call.Get(New)!.Select(KeyFiles.OpenPublic).ToList();
        using var signer = await KeyFiles.OpenPrivateAsync(call, call.Get(Key)!, cancellation);
        // Only keys the developer named are signed for. Asking the server which keys to keep would let it add its own.
        if (call.Get(Keep))
            keys.Add(KeyFiles.PublicHalf(signer, call.Get(Key)!));
        var trusted = keys.DistinctBy(key => key.Id).ToArray();
        if (trusted.Length > MostKeys)
            throw FailureException.Usage($"A product trusts at most {MostKeys} keys; {trusted.Length} are named.");

        var compact = KeyStatement.Of(product, counter, call.Now.ToUnixTimeSeconds(), trusted).Sign(signer);
        var file = call.Get(Out);
        if (file is not null)
            await File.WriteAllTextAsync(file, compact, cancellation);
        else
            await call.Api.PostJoseAsync<Product>(ApiPath.Of($"products/{product}/key-statements"), compact, cancellation);

        var ids = trusted.Select(key => key.Id).ToArray();
        var dropped = file is null ? await NoLongerTrustedAsync(call, product, cancellation) : null;
        call.Screen.Show(new RotationResult(product, counter, ids, file, compact, dropped), screen =>
        {
            screen.Line(
                file is null ? "From now on " : $"{file} says: from now on ",
                new Cell(product, Tone.Strong),
                $" trusts {string.Join(", ", ids)} (rotation {counter}).");
            if (dropped is { Count: > 0 })
            {
                screen.Line(new Cell(
                    $"No longer trusted: {string.Join(", ", dropped)}. Devices that run them go on, but nobody is offered them; "
                    + "to deploy one again, push it signed by a key that is trusted now.", Tone.Busy));
            }
            else if (dropped is null)
            {
                screen.Line("Releases signed by a key that is not named cannot be deployed from then on, unless they are signed anew.");
            }
        });
    }

    private static async Task<IReadOnlyList<string>?> NoLongerTrustedAsync(Call call, string product, CancellationToken cancellation)
    {
        try
        {
            var releases = await call.Api.GetAsync<Release[]>(ApiPath.Of($"products/{product}/releases"), cancellation);
            return [.. releases.Where(release => release is { Withdrawn: null, SignerTrusted: false }).Select(release => release.Version).Distinct()];
        }
        catch (FailureException)
        {
            // The rotation is done whatever became of this question.
            return null;
        }
    }

    private static async Task<int> CounterAsync(Call call, string product, CancellationToken cancellation)
    {
        if (call.Get(Counter) is { } given)
            return given >= 1 ? given : throw FailureException.Usage("--counter starts at 1 and grows with each rotation.");
        if (call.Get(Out) is not null)
            throw FailureException.Usage("Give --counter: with --out no server is asked which one is next.");
        var last = (await call.Api.ProductAsync(product, cancellation)).KeyCounter;
        return last is >= 0 and < MostBelieved
            ? last + 1
            : throw FailureException.Usage($"The server says {last:N0} rotations came before this one; if that is true, give --counter.");
    }
}
