using Microsoft.AspNetCore.Components.Authorization;
using Ota.Server.People;
using Ota.Server.Staff;
using Radzen;

namespace Ota.Server.Dashboard;

internal static class DashboardSetup
{
    public static IServiceCollection AddDashboard(this IServiceCollection services)
    {
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddRadzenComponents();
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, SessionWatch>();
        services.AddScoped<Visit>();
        services.AddScoped<Deeds>();
        services.AddScoped<Uploads>();
        services.AddSingleton<Pulse>();
        services.AddSingleton<AlertGlass>();
        services.AddSingleton<AuditGlass>();
        services.AddSingleton<FleetBoard>();
        services.AddSingleton<DeviceBook>();
        services.AddSingleton<RolloutGlass>();
        return services;
    }

    public static void MapDashboard(this WebApplication app)
    {
        app.MapFiles();
        // Pages, and the circuits behind them. The header says who may frame them.
        app.MapRazorComponents<App>()
            .AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null)
            .ForPerson(StaffRole.Viewer);
    }
}
