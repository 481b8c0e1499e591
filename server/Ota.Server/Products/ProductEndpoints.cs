using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;
using Ota.Server.Secrets;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Products;

internal static class ProductEndpoints
{
    private const int MostKeys = 8;

    public static void MapProducts(this IEndpointRouteBuilder api)
    {
        var products = api.MapGroup("/products").WithTags("Products");
        products.MapGet("", (ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user) =>
                catalog.All().Select(product => View(product, master, user)).ToArray())
            .For(StaffRole.Viewer).WithSummary("All products");
        products.MapGet("/{product}", Get).For(StaffRole.Viewer).WithSummary("One product; its enrollment key for developers");
        products.MapPost("", AddAsync).For(StaffRole.Developer).WithSummary("Adds a product with the release keys it trusts");
        products.MapPut("/{product}/poll", PollAsync).For(StaffRole.Developer)
            .WithSummary("Sets when devices ask; each hears of it when it asks next");
        products.MapPut("/{product}/signal", SignalAsync).For(StaffRole.Developer)
            .WithSummary("Lets downloads wait for a better signal, or, with null, never");
        products.MapPut("/{product}/retention", RetentionAsync).For(StaffRole.Developer)
            .WithSummary("Lets image files go that nobody needs, or, with null, keeps them all");
        products.MapPut("/{product}/pins", PinsAsync).For(StaffRole.Developer)
            .WithSummary("Sets under which numbers the system pins are found, or, with null, the usual ones");
        products.MapPut("/{product}/dialects", DialectsAsync).For(StaffRole.Developer)
            .WithSummary("Sets whether clients that were not written for this server enroll by key, and what they must check");
        products.MapPost("/{product}/key-statements", ReceiveKeysAsync).For(StaffRole.Developer)
            .Accepts<string>("application/jose").WithSummary("Replaces the trusted keys by a statement that a trusted key signed");
    }

    private static Results<Ok<ProductView>, ProblemHttpResult> Get(
        string product, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user) =>
        catalog.Find(product) is { } found ? TypedResults.Ok(View(found, master, user)) : Problems.NotFound("product", product);

    public static async Task<Results<Created<ProductView>, Ok<ProductView>, ProblemHttpResult>> AddAsync(
        NewProduct asked, ProductCatalog catalog, MasterSecret master, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (Read(asked, time.GetUtcNow(), out var reason) is not { } product)
            return Problems.Invalid(reason);
        if (await catalog.AddAsync(product, user.Who(), cancellation))
            return TypedResults.Created($"/api/v1/products/{product.Name}", View(product, master, user));

        var there = catalog.Find(product.Name)!;
        return Same(there, product)
            ? TypedResults.Ok(View(there, master, user))
            : Problems.Conflict("product-exists", $"There is already a product '{product.Name}', with other hardware, keys or poll.");
    }

    private static async Task<Results<Ok<ProductView>, ProblemHttpResult>> ReceiveKeysAsync(
        string product, HttpRequest request, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        return await BoundedBody.ReadAsync(request, Jws.MaximumLength, cancellation) is { } body
            ? await RotateAsync(product, Encoding.ASCII.GetString(body.Span).Trim(), catalog, master, user, cancellation)
            : Problems.Of(413, "too-large", "The request is too large", $"A key statement has at most {Jws.MaximumLength} bytes.");
    }

    /// <param name="compact">The key statement, as it was signed.</param>
    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> RotateAsync(
        string product, string compact, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (catalog.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        if (KeyStatement.Verify(compact, found.ReleaseKeys, out var keys, out var reason) is not { } statement)
            return Problems.Refused("key-statement", reason);
        if (statement.Product != product)
            return Problems.Refused("key-statement", $"The key statement is for product '{statement.Product}', not '{product}'.");
        return await catalog.RotateAsync(found, statement, compact, keys, user.Who(), cancellation) is { } rotated
            ? TypedResults.Ok(View(rotated, master, user))
            : Problems.Conflict("key-counter", statement.Counter > found.KeyCounter
                ? "Another key statement came first. Send this one again if a key that is trusted now has signed it."
                : $"The statement's counter is {statement.Counter}; it must be above {found.KeyCounter}.");
    }

    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> PollAsync(
        string product, PollChange asked, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (catalog.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        return PollSchedule.Parse(asked.Poll ?? "", out var reason) is { } poll
            ? TypedResults.Ok(View(await catalog.SetPollAsync(found, poll, user.Who(), cancellation), master, user))
            : Problems.Invalid(reason);
    }

    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> SignalAsync(
        string product, SignalChange asked, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (catalog.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        return asked.Signal?.Fault() is { } fault
            ? Problems.Invalid(fault)
            : TypedResults.Ok(View(await catalog.SetSignalAsync(found, asked.Signal, user.Who(), cancellation), master, user));
    }

    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> RetentionAsync(
        string product, RetentionChange asked, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (catalog.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        return asked.Retention?.Fault() is { } fault
            ? Problems.Invalid(fault)
            : TypedResults.Ok(View(await catalog.SetRetentionAsync(found, asked.Retention, user.Who(), cancellation), master, user));
    }

    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> PinsAsync(
        string product, PinsChange asked, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (catalog.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        return asked.Pins?.Fault() is { } fault
            ? Problems.Invalid(fault)
            : TypedResults.Ok(View(await catalog.SetPinsAsync(found, asked.Pins, user.Who(), cancellation), master, user));
    }

    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> DialectsAsync(
        string product, DialectsChange asked, ProductCatalog catalog, MasterSecret master, ClaimsPrincipal user, CancellationToken cancellation)
    {
        return catalog.Find(product) is { } found
            ? TypedResults.Ok(View(await catalog.SetDialectsAsync(found, asked.Dialects ?? DialectRules.Usual, user.Who(), cancellation), master, user))
            : Problems.NotFound("product", product);
    }

    private static Product? Read(NewProduct asked, DateTimeOffset now, out string reason)
    {
        if (Names.Fault(asked.Name) is { } name)
        {
            reason = "The product's name " + name;
            return null;
        }

        if (asked.Hardware is not { Count: >= 1 and <= 16 } hardware)
        {
            reason = "A product has 1 to 16 kinds of hardware.";
            return null;
        }

        if (hardware.Select(Names.Fault).FirstOrDefault(fault => fault is not null) is { } fault)
        {
            reason = "The hardware's name " + fault;
            return null;
        }

        if (asked.ReleaseKeys is not { Count: >= 1 and <= MostKeys })
        {
            reason = $"A product trusts 1 to {MostKeys} release keys; give them as PEM public keys.";
            return null;
        }

        var keys = new List<ReleaseKey>();
        foreach (var pem in asked.ReleaseKeys)
        {
            if (ReleaseKey.FromPem(pem ?? "", out reason) is not { } key)
                return null;
            if (keys.All(known => known.Id != key.Id))
                keys.Add(key);
        }

        return PollSchedule.Parse(asked.Poll ?? PollSchedule.Default, out reason) is { } poll
            ? new Product(asked.Name!, [.. hardware.Distinct(StringComparer.Ordinal)], keys, poll, 1, 0, new Dictionary<int, string>(), now)
            : null;
    }

    private static bool Same(Product there, Product asked) =>
        there.Hardware.ToHashSet().SetEquals(asked.Hardware)
        && there.ReleaseKeys.Select(key => key.Id).ToHashSet().SetEquals(asked.ReleaseKeys.Select(key => key.Id))
        && there.Poll.Text == asked.Poll.Text;

    public static ProductView View(Product product, MasterSecret master, ClaimsPrincipal user) => new(
        product.Name,
        product.Hardware,
        [.. product.ReleaseKeys.Select(key => new ReleaseKeyView(key.Id, key.Pem))],
        product.KeyCounter,
        product.Poll.Text,
        product.Created,
        product.Signal,
        product.Follow is null ? null : JsonElement.Parse(product.Follow).GetProperty("plan"),
        product.Retention,
        product.Pins,
        product.Dialects,
        product.BlynkCloud,
        user.Role() >= StaffRole.Developer && product.Dialects.Enrolls ? master.DialectKey(product.Name, product.EnrollmentGeneration) : null,
        user.Role() >= StaffRole.Developer ? master.EnrollmentKey(product.Name, product.EnrollmentGeneration) : null);
}
