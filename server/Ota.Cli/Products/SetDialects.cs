using System.CommandLine;
using Ota.Cli.Api;

namespace Ota.Cli.Products;

/// <summary><c>ota product dialects</c></summary>
internal static class SetDialects
{
    private const string Any = "any";
    private static readonly string[] Levels = [Any, "md5", "signed"];
    private static readonly Argument<string> Name = Arguments.Product();

    private static readonly Option<bool> Enroll = new("--enroll")
    {
        Description = "Whoever shows the product's dialect key and a MAC is taken in by that.",
    };

    private static readonly Option<bool> NoEnroll = new("--no-enroll") { Description = "Only units that staff adopt." };

    private static readonly Option<string?> Least = new("--least")
    {
        Description = "What an updater must check to be given anything: any, md5 or signed.",
        HelpName = "what",
    };

    public static Command Command { get; } = Build();

    private static Verb Build()
    {
        Least.AcceptOnlyFromAmong(Levels);
        return new Verb(
            "dialects", "Say which devices with other updaters than ours a product takes; what is left out stays.", RunAsync)
        {
            Name,
            Enroll,
            NoEnroll,
            Least,
        };
    }

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(Enroll) && call.Get(NoEnroll))
            throw FailureException.Usage("Give --enroll or --no-enroll, not both.");
        if (!call.Get(Enroll) && !call.Get(NoEnroll) && call.Get(Least) is null)
            throw FailureException.Usage("Give --enroll, --no-enroll or --least, like --least md5.");
        var there = (await call.Api.ProductAsync(call.Get(Name), cancellation)).Dialects
            ?? throw FailureException.Usage("This server is too old to have dialects.");
        var rules = new DialectRules(
            call.Get(Enroll) || (there.Enrolls && !call.Get(NoEnroll)),
            call.Get(Least) switch { null => there.Least, Any => null, var least => least });
        var product = await call.Api.PutAsync<DialectsChange, Product>(
            ApiPath.Of($"products/{call.Get(Name)}/dialects"), new DialectsChange(rules), cancellation);
        call.Screen.Show(product, screen =>
        {
            product.Facts(screen);
            if (product.DialectKey is not null)
                screen.Facts(("Dialect key", product.DialectKey));
        });
    }
}
