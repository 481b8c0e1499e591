using System.Collections.Concurrent;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts.Filters;
using Ota.Server.Secrets;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Rollouts;

/// <summary>A channel whose newest release starts a rollout by itself.</summary>
/// <param name="Since">UTC milliseconds; what was uploaded before is left alone.</param>
/// <param name="Plan">As it was asked for: a <see cref="NewRollout"/> without product, version and time, and with the channel.</param>
internal sealed record Following(string Channel, long Since, JsonElement Plan)
{
    private const int Longest = 4096;

    public static Following? FromJson(string? json) =>
        json is null ? null : JsonSerializer.Deserialize<Following>(json, JsonSerializerOptions.Web);

    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    /// <summary>Reads what is asked for; null and what is wrong.</summary>
    public static Following? Read(JsonElement asked, DateTimeOffset now, out string fault)
    {
        fault = "follow is null, or an object with a channel and the plan of its rollouts.";
        if (asked.ValueKind != JsonValueKind.Object || asked.GetRawText().Length > Longest
            || !asked.TryGetProperty("channel", out var channel) || channel.ValueKind != JsonValueKind.String)
            return null;
        if (Names.Fault(channel.GetString()) is { } name)
        {
            fault = "The channel " + name;
            return null;
        }

        if (Rollout(asked) is not { } plan)
            return null;
        if (plan is { At: not null } or { Zone: not null } or { Product: not null } or { Version: not null })
        {
            fault = "follow has no product, version, at and zone: its rollouts start when a release comes.";
            return null;
        }

        return RolloutRequest.ReadPlan(plan, out fault) is null
            ? null
            : new Following(channel.GetString()!, now.ToUnixTimeMilliseconds(), asked);
    }

    public static NewRollout? Rollout(JsonElement plan)
    {
        try
        {
            return plan.Deserialize<NewRollout>(JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Starts the rollouts of channels that roll themselves out, one for each version.</summary>
internal sealed partial class ChannelFollow(
    ProductCatalog products, ReleaseCatalog releases, RolloutBoard board, ILogger<ChannelFollow> logger)
{
    private readonly ConcurrentDictionary<(string Product, string Version, long Since), bool> _done = new();

    /// <summary>Looks for releases that came since. A crash in between loses none: it is looked for again.</summary>
    public async Task TickAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        foreach (var product in products.All())
        {
            if (Following.FromJson(product.Follow) is { } following && Newest(product, following) is { } newest
                && _done.TryAdd((product.Name, newest.Version, following.Since), true))
                await StartAsync(product, following, newest, now, cancellation);
        }
    }

    private async Task StartAsync(Product product, Following following, Release newest, DateTimeOffset now, CancellationToken cancellation)
    {
        var asked = Following.Rollout(following.Plan)! with { Product = product.Name, Version = newest.Version };
        try
        {
            if (RolloutRequest.Read(asked, products, releases, now, "channel " + following.Channel, out var problem) is not { } read)
                Log.NotStarted(logger, product.Name, newest.Version, problem!.ProblemDetails.Detail ?? "");
            else if (await board.StartAsync(read.Rollout, read.Images, cancellation, Once.Yes) is { } started)
                Log.Started(logger, product.Name, newest.Version, started.Id, following.Channel);
        }
        catch
        {
            _done.TryRemove((product.Name, newest.Version, following.Since), out _);
            throw;
        }
    }

    private Release? Newest(Product product, Following following)
    {
        var hardware = Following.Rollout(following.Plan)?.Hardware;
        Release? newest = null;
        foreach (var release in releases.Of(product.Name))
        {
            if (release is { Kind: ReleaseStatement.ApplicationKind, Withdrawn: null } && release.Channel == following.Channel
                && (hardware is null || release.Hardware.Contains(hardware)) && VersionOrder.IsVersion(release.Version)
                && (newest is null || VersionOrder.Compare(release.Version, newest.Version) > 0))
                newest = release;
        }

        return newest?.Uploaded.ToUnixTimeMilliseconds() >= following.Since ? newest : null;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Product} {Version} rolls itself out: rollout {Rollout}, channel {Channel}.")]
        public static partial void Started(ILogger logger, string product, string version, long rollout, string channel);

        [LoggerMessage(2, LogLevel.Warning, "{Product} {Version} does not roll itself out: {Reason}")]
        public static partial void NotStarted(ILogger logger, string product, string version, string reason);
    }
}

internal static class FollowEndpoint
{
    public static void MapFollow(this IEndpointRouteBuilder api) =>
        api.MapPut("/products/{product}/follow", FollowAsync).For(StaffRole.Developer).WithTags("Products")
            .WithSummary("Lets the newest release of a channel start a rollout by itself, or, with null, none");

    public static async Task<Results<Ok<ProductView>, ProblemHttpResult>> FollowAsync(
        string product, FollowChange asked, ProductCatalog catalog, MasterSecret master, TimeProvider time, ClaimsPrincipal user,
        CancellationToken cancellation)
    {
        if (catalog.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        Following? following = null;
        if (asked.Follow.ValueKind != JsonValueKind.Null
            && (following = Following.Read(asked.Follow, time.GetUtcNow(), out var fault)) is null)
            return Problems.Invalid(fault);
        var changed = await catalog.SetFollowAsync(
            found, following?.ToJson(), following is null ? "none" : "channel " + following.Channel, user.Who(), cancellation);
        return TypedResults.Ok(ProductEndpoints.View(changed, master, user));
    }
}
