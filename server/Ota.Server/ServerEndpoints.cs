using System.Data.Common;
#if HANGFIRE
using Ota.Jobs.Hangfire;
#endif
using Ota.Server.Alerts;
using Ota.Server.Audit;
using Ota.Server.CheckIns;
using Ota.Server.Dashboard;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Dialects.Blynk;
using Ota.Server.Dialects.EspHome;
using Ota.Server.Dialects.EspIdf;
using Ota.Server.Dialects.EspUpdater;
using Ota.Server.Dialects.Hawkbit;
using Ota.Server.Dialects.Mender;
using Ota.Server.Dialects.Tasmota;
using Ota.Server.Evidence;
using Ota.Server.Http;
using Ota.Server.People;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Provisioning;
using Ota.Server.Recovery;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Staff;
using Ota.Server.Telemetry;
using Ota.Server.Webhooks;

namespace Ota.Server;

/// <summary>What a call goes through, and where it ends.</summary>
internal static class ServerEndpoints
{
    public static void Map(WebApplication app)
    {
        app.UseTraces();
        app.UseExceptionHandler(new ExceptionHandlerOptions { SuppressDiagnosticsCallback = _ => true });
        app.UseStatusCodePages(pages => Problems.WriteAsync(pages.HttpContext, Problems.OfStatus(pages.HttpContext)));
        // Before routing: links that devices are given begin as they came in.
        app.UseForwardedHeaders();
        // Device calls end here: they know their caller by themselves, and what follows would look up each token as a staff key.
        app.UseRouting();
        app.Use(PageHeaders.AddAsync);
        app.UseSwaggerUI(page =>
        {
            page.RoutePrefix = "docs";
            page.DocumentTitle = "Ota staff API";
            page.SwaggerEndpoint("/openapi/v1.json", "v1");
        });
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();

        app.MapGet("/healthz", () => "ok").AllowAnonymous().ExcludeFromDescription();
        app.MapGet("/readyz", Ready).AllowAnonymous().ExcludeFromDescription();
        app.MapPost("/agent/v1/enroll", EnrollmentEndpoint.EnrollAsync)
            .AllowAnonymous().ExcludeFromDescription().WithMetadata(new SmallBody(EnrollmentEndpoint.MaximumSize));
        app.MapPost("/agent/v1/check-in", CheckInEndpoint.CheckInAsync).ShortCircuit().ExcludeFromDescription();
        app.MapPost("/agent/v1/reports", ReportsEndpoint.ReportAsync).ShortCircuit().ExcludeFromDescription();
        app.MapDevicePins();
        app.MapBlynk();
        app.MapEspUpdaters();
        app.MapTasmota();
        app.MapEspHome();
        app.MapEspIdf();
        app.MapHawkbit();
        app.MapMender();
        app.MapMethods("/images/{sha256}", ["GET", "HEAD"], ImageDownload.GetAsync).ShortCircuit().ExcludeFromDescription();

        var api = app.MapGroup("/api/v1").AddEndpointFilter(DecideAgain);
        api.MapStaff();
        api.MapPeople();
        api.MapProducts();
        api.MapReleases();
        api.MapDevices();
        api.MapAdoption();
        api.MapDeployments();
        api.MapRecovery();
        api.MapPins();
        api.MapBlynkClouds();
        api.MapEvidence();
        api.MapUnits();
        api.MapSites();
        api.MapProvision();
        api.MapAlerts();
        api.MapWebhooks();
        api.MapRollouts();
        api.MapFollow();
        api.MapAudit();
        app.MapSignIn();
        app.MapDashboard();
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
#if HANGFIRE
        app.MapHangfireJobs(StaffRole.Admin.ToString());
#endif
    }

    // Nothing was written, so what staff asked for is simply decided again.
    private static ValueTask<object?> DecideAgain(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        new(StaleException.RetryAsync(() => next(context).AsTask()));

    private static IResult Ready(Database database)
    {
        try
        {
            database.Read(Counters.Known);
            return TypedResults.Text("ok");
        }
        catch (DbException)
        {
            return Problems.Of(503, "not-ready", "The database does not answer", "The server's log has the reason.");
        }
    }
}
