using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Ota.Server.Settings;

namespace Ota.Server.Telemetry;

/// <summary>
/// Sends metrics, traces and logs by OTLP over HTTP (OpenTelemetry Protocol 1.x) to the collector that setting Otlp names. Headers, sampling and
/// intervals are OpenTelemetry's own settings (<c>OTEL_…</c>).
/// </summary>
internal static class TelemetryExport
{
    private const string Service = "ota-server";

    // Of a hundred check-ins one is as good as all, and costs a hundredth.
    private const double Share = 0.01;

    public static void AddTelemetry(this WebApplicationBuilder builder, ServerSettings settings)
    {
        builder.Services.AddSingleton<Meters>();
        builder.Services.AddSingleton<Gauges>();
        if (settings.Otlp is not { } collector)
            return;
        // Else a request's trace has no tags (ASP.NET Core 10).
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", isEnabled: false);
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.SetResourceBuilder(Resource());
            logs.IncludeFormattedMessage = true;
            logs.AddOtlpExporter(exporter => To(exporter, collector, "logs"));
        });
        var sampler = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_TRACES_SAMPLER"))
            ? new ParentBasedSampler(new TraceIdRatioBasedSampler(Share))
            : null;
        builder.Services.AddHostedService(_ => new Providers(collector, sampler));
    }

    /// <summary>Says in a request's trace which route it took and how it was answered; before routing.</summary>
    public static void UseTraces(this WebApplication app)
    {
        if (app.Services.GetRequiredService<ServerSettings>().Otlp is null)
            return;
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            finally
            {
                if (context.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } trace)
                {
                    trace.SetTag("http.route", (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText);
                    trace.SetTag("http.response.status_code", context.Response.StatusCode);
                }
            }
        });
    }

    private static ResourceBuilder Resource() => ResourceBuilder.CreateDefault()
        .AddService(Service, serviceVersion: typeof(TelemetryExport).Assembly.GetName().Version?.ToString(3), serviceInstanceId: Environment.MachineName);

    private static void To(OtlpExporterOptions exporter, Uri collector, string signal)
    {
        exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = new Uri(collector.AbsoluteUri.TrimEnd('/') + "/v1/" + signal);
    }

    /// <summary>What is measured and traced in this process, for as long as the server runs; what is left is sent when it stops.</summary>
    private sealed class Providers(Uri collector, Sampler? sampler) : IHostedService
    {
        private MeterProvider? _meters;
        private TracerProvider? _traces;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            _meters = Sdk.CreateMeterProviderBuilder()
                .SetResourceBuilder(Resource())
                .AddMeter(Meters.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
                .AddOtlpExporter(exporter => To(exporter, collector, "metrics"))
                .Build();
            var traces = Sdk.CreateTracerProviderBuilder()
                .SetResourceBuilder(Resource())
                .AddSource("Microsoft.AspNetCore")
                .AddProcessor(new WithoutAddresses());
            if (sampler is not null)
                traces.SetSampler(sampler);
            _traces = traces.AddOtlpExporter(exporter => To(exporter, collector, "traces")).Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            _traces?.Dispose();
            _meters?.Dispose();
            return Task.CompletedTask;
        }
    }

    /// <summary>Some clients carry their token in the address, and a signed link is one: a trace names the route alone.</summary>
    private sealed class WithoutAddresses : BaseProcessor<Activity>
    {
        private static readonly string[] Telling = ["url.path", "url.query", "url.full", "http.target", "http.url"];

        public override void OnEnd(Activity data)
        {
            foreach (var tag in Telling)
                data.SetTag(tag, null);
            data.DisplayName = $"{data.GetTagItem("http.request.method") ?? "HTTP"} {data.GetTagItem("http.route") ?? "other"}";
        }
    }
}
