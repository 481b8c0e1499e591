using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.JSInterop;
using Ota.Server.People;
using Ota.Server.Products;

namespace Ota.Server.Dashboard;

/// <summary>One browser's visit: where its reader is.</summary>
internal sealed class Visit
{
    /// <summary>The reader's zone; UTC until the browser has said it, or when this machine does not know it.</summary>
    public TimeZoneInfo Zone { get; private set; } = TimeZoneInfo.Utc;

    public async Task BeginAsync(IJSRuntime script)
    {
        var name = await script.InvokeAsync<string?>("ota.zone");
        if (name is { Length: > 0 and < 100 } && ZonedTime.Find(name, out _) is { } zone)
            Zone = zone;
    }

    /// <summary>In the reader's zone.</summary>
    public string Local(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, Zone).ToString("d MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>In the reader's zone, and exactly in UTC.</summary>
    public string Both(DateTimeOffset at) => $"{Local(at)} {Zone.Id}, {Utc(at)}";

    public static string Utc(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff 'UTC'", CultureInfo.InvariantCulture);
}

/// <summary>Ends what a circuit may do when its session ends; looks in memory.</summary>
internal sealed class SessionWatch(ILoggerFactory loggers, PeopleDirectory people) : RevalidatingServerAuthenticationStateProvider(loggers)
{
    protected override TimeSpan RevalidationInterval => TimeSpan.FromSeconds(5);

    protected override Task<bool> ValidateAuthenticationStateAsync(AuthenticationState authenticationState, CancellationToken cancellationToken) =>
        Task.FromResult(people.Of(authenticationState.User) is not null);
}
