using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;
#if HANGFIRE
using Ota.Jobs.Hangfire;
#endif
using Ota.Server.Alerts;
using Ota.Server.CheckIns;
using Ota.Server.Dashboard;
using Ota.Server.Data;
using Ota.Server.Demo;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Dialects.Blynk;
using Ota.Server.Dialects;
using Ota.Server.Dialects.Mender;
using Ota.Server.Evidence;
using Ota.Server.Http;
using Ota.Server.Images;
using Ota.Server.Jobs;
using Ota.Server.Limits;
using Ota.Server.People;
using Ota.Server.People.Provider;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Provisioning;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Secrets;
using Ota.Server.Settings;
using Ota.Server.Sharing;
using Ota.Server.Staff;
using Ota.Server.Telemetry;
using Ota.Server.Webhooks;

namespace Ota.Server;

/// <summary>Puts the server together: services, state from disk, endpoints.</summary>
internal static partial class ServerHost
{
    private const int LargeFleet = 10_000;

    /// <summary>A server that has loaded its state and is ready to run.</summary>
    /// <exception cref="SettingFault">A setting or the data directory is unusable.</exception>
    public static async Task<WebApplication> BuildAsync(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        // Or the one scheme there is would become the default and look at every device's token too.
        AppContext.SetSwitch("Microsoft.AspNetCore.Authentication.SuppressAutoDefaultScheme", isEnabled: true);
        var settled = CommandLine.Read(args);
        var builder = WebApplication.CreateSlimBuilder(settled);
        builder.Configuration.AddEnvironmentVariables("OTA_").AddCommandLine(settled);
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.PostConfigure<LoggerFilterOptions>(UnloggedAddresses.Quieten);
        builder.Logging.AddFilter("Quartz", LogLevel.Warning);
        // What keeps it from starting is told in one sentence by who starts it, not in two stack traces as well.
        var started = false;
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", level => level >= LogLevel.Warning && (started || level < LogLevel.Critical));
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => level >= LogLevel.Information && started);
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = ListenSocket.Bound);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (kestrel.ApplicationServices.GetService<ServerCertificate>() is { } certificate)
            {
                kestrel.ConfigureHttpsDefaults(https =>
                {
                    https.ServerCertificate = certificate.Options.ServerCertificateContext!.TargetCertificate;
                    https.OnAuthenticate = (_, tls) => tls.ServerCertificateContext = certificate.Options.ServerCertificateContext;
                });
            }

            kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
        });
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(ServerSettings.DefaultUrl);
        var settings = ServerSettings.From(builder.Configuration);
        // Before anything is made that a start which fails would leave behind.
        if (StartFaults.OfCertificate(settings, builder.Configuration) is { } uncertified)
            throw uncertified;
        var directory = Usable(() => new DataDirectory(settings), settings.Data);
        var alone = Usable(() => DataLock.TryTake(settings.Data), settings.Data) ?? throw new SettingFault(
            $"Another server runs on the data folder {settings.Data}. Stop that one, or give this one a folder of its own with --data.");
        WebApplication? app = null;
        try
        {
            AddServices(builder.Services, settings, directory, alone);
            builder.AddTelemetry(settings);
            configure?.Invoke(builder);
            app = builder.Build();
            // A fault in it ends the start here.
            app.Services.GetService<ServerCertificate>();
            app.Lifetime.ApplicationStarted.Register(() => started = true);
            var (adminKey, setupCode) = await LoadAsync(app.Services, CancellationToken.None);
            ServerEndpoints.Map(app);
            Announce(app, settings, adminKey, setupCode);
            return app;
        }
        catch (Exception fault)
        {
            if (app is not null)
                await app.DisposeAsync();
            alone.Dispose();
            throw fault switch
            {
                SqliteException sqlite => StartFaults.OfDatabase(sqlite, directory.Database),
                NpgsqlException or ArgumentException when settings.Database is not null => StartFaults.OfPostgreSql(fault),
                StorageUnavailableException storage => StartFaults.OfBlobs(storage, settings.Blobs!),
                IOException or UnauthorizedAccessException => Unusable(settings.Data, fault),
                _ => fault,
            };
        }
    }

    /// <summary>Takes requests from now on.</summary>
    /// <exception cref="SettingFault">It cannot listen where it was told to.</exception>
    public static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception fault) when (fault is IOException or SocketException or InvalidOperationException or FormatException or ArgumentException)
        {
            await app.StopAsync();
            throw StartFaults.OfListening(fault, app.Configuration);
        }
    }

    private static void AddServices(IServiceCollection services, ServerSettings settings, DataDirectory directory, DataLock alone)
    {
        services.AddSingleton(_ => alone);
        services.AddSingleton(settings);
        services.AddSingleton(directory);
        services.AddSingleton(Usable(directory.MasterSecret, settings.Data));
        services.AddSingleton(TimeProvider.System);
        if (settings.Certificate is { } files)
            services.AddSingleton(provider => new ServerCertificate(
                files, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ServerCertificate>>()));
        services.AddSingleton<Database>(_ =>
            settings.Database is { } connection ? new PostgresDatabase(connection) : new SqliteDatabase(directory.Database));
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<Duty>();
        if (settings.Database is not null)
        {
            services.AddHostedService(provider => provider.GetRequiredService<ChangeFeed>());
            services.AddHostedService(provider => provider.GetRequiredService<Duty>());
        }

        AddImages(services, settings);
        services.AddStaff();
        services.AddPeople();
        services.AddProvider(settings);
        services.AddDashboard();
        // Of a proxy on this machine; what others claim of themselves is not believed.
        services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            foreach (var proxy in settings.Proxies)
                options.KnownIPNetworks.Add(proxy);
        });
        services.AddSingleton<CallLimits>();
        services.AddSingleton<ProductCatalog>();
        services.AddSingleton<ReleaseCatalog>();
        services.AddSingleton<ImageClaims>();
        services.AddSingleton<ReleaseIntake>();
        services.AddSingleton<RetentionPass>();
        services.AddSingleton<RolloutBoard>();
        services.AddSingleton<RolloutChoices>();
        services.AddSingleton<RolloutDesk>();
        services.AddSingleton<ChannelFollow>();
        services.AddSingleton<RolloutViews>();
        services.AddSingleton<RolloutClock>();
        services.AddSingleton<Fleet>();
        services.AddSingleton<DeviceAuthentication>();
        services.AddSingleton<Adoption>();
        services.AddSingleton<AdoptionGate>();
        services.AddSingleton<DialectAuthentication>();
        services.AddSingleton<DialectDesk>();
        services.AddSingleton<ClientNotes>();
        services.AddSingleton<ImageHashes>();
        services.AddSingleton<MenderSessions>();
        services.AddSingleton<PinLines>();
        services.AddSingleton<PinDesk>();
        services.AddSingleton<SystemPinWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<SystemPinWriter>());
        services.AddSingleton<BlynkPins>();
        services.AddSingleton<BlynkUpdates>();
        services.AddSingleton<BlynkSessions>();
        services.AddSingleton<BlynkListener>();
        services.AddHostedService(provider => provider.GetRequiredService<BlynkListener>());
        services.AddSingleton<DeploymentDesk>();
        services.AddSingleton<ReportLog>();
        services.AddSingleton<TimelineRetention>();
        services.AddSingleton<StrandedRecoveries>();
        services.AddSingleton<CheckInFlow>();
        services.AddSingleton<ClientDownloads>();
        services.AddSingleton<WriteBehind>();
        services.AddHostedService(provider => provider.GetRequiredService<WriteBehind>());
        services.AddSingleton<SampleLog>();
        services.AddHostedService(provider => provider.GetRequiredService<SampleLog>());
        services.AddSingleton<ServerRuns>();
        services.AddSingleton<AlertWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<AlertWatch>());
        services.AddHostedService<WebhookSender>();
        services.AddHostedService<BlynkCloudSender>();
        services.AddSingleton<DueWorker>();
#if HANGFIRE
        services.AddHangfireJobs(settings);
#else
        services.AddQuartzJobs(settings.Database);
#endif
        services.AddSingleton<DropFolder>();
        services.AddHostedService(provider => provider.GetRequiredService<DropFolder>());
        if (settings.Demo)
        {
            services.AddSingleton<DemoSetup>();
            services.AddHostedService<DemoFleet>();
        }

        services.AddProblemDetails();
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddExceptionHandler<Faults>();
        services.AddOpenApi("v1", ApiDescription.Describe);
    }

    private static void AddImages(IServiceCollection services, ServerSettings settings)
    {
        var folder = Path.Combine(settings.Releases, ".images");
        // Or a server that starts would take another one's uploads for leftovers.
        var server = settings.Database is null ? ""
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Environment.MachineName + settings.Data))[..8]);
        if (settings.Blobs is not { } blobs)
        {
            services.AddSingleton<IImageStore>(Usable(() => new DiskImageStore(folder, server), settings.Releases));
            return;
        }

        var incoming = Usable(() => new IncomingFolder(folder, server), settings.Releases);
        services.AddSingleton<IImageStore>(provider =>
            new BlobImageStore(blobs.Container, incoming, blobs.Links, provider.GetRequiredService<TimeProvider>()));
    }

    private static T Usable<T>(Func<T> make, string folder)
    {
        try
        {
            return make();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unusable(folder, fault);
        }
    }

    private static SettingFault Unusable(string folder, Exception fault) => new($"The folder {folder} cannot be used: {fault.Message}");

    /// <summary>
    /// Memory from disk, before the first request is taken. Returns the admin key's file when it was made just now, and that of the setup code
    /// while there is nobody.
    /// </summary>
    private static async Task<(string? AdminKey, string? SetupCode)> LoadAsync(IServiceProvider services, CancellationToken cancellation)
    {
        // The first that is made is the last to be let go of, after the database.
        services.GetRequiredService<DataLock>();
        await services.GetRequiredService<IImageStore>().PrepareAsync(cancellation);
        services.GetRequiredService<ChangeFeed>().Begin();
        var staff = services.GetRequiredService<StaffDirectory>();
        var fresh = await staff.StartAsync(cancellation);
        if (fresh is null && services.GetRequiredService<ServerSettings>().NewAdminKey)
            fresh = await staff.NewAdminAsync(cancellation);
        await MasterCheck.RunAsync(services.GetRequiredService<Database>(), services.GetRequiredService<MasterSecret>(), cancellation);
        var setupCode = await services.GetRequiredService<PeopleDirectory>().StartAsync(cancellation);
        await services.GetRequiredService<Duty>().TakeAsync(cancellation);
        services.GetRequiredService<ProductCatalog>().Load();
        services.GetRequiredService<ReleaseCatalog>().Load();
        await services.GetRequiredService<RetentionPass>().FinishAsync(cancellation);
        services.GetRequiredService<RolloutBoard>().Load();
        services.GetRequiredService<Fleet>().Load();
        await services.GetRequiredService<ServerRuns>().BeginAsync(cancellation);
        services.GetRequiredService<AlertWatch>().Load();
        services.GetRequiredService<Gauges>();
        // What the loading of a large fleet leaves behind would else stay the process's for hours, as little is made anew afterwards.
        if (services.GetRequiredService<Fleet>().Count > LargeFleet)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return (fresh, setupCode);
    }

    private static void Announce(WebApplication app, ServerSettings settings, string? adminKey, string? setupCode)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Ota");
        if (settings.Blobs is { } blobs)
            Log.Container(logger, settings.Data, settings.Releases, blobs);
        else
            Log.Folders(logger, settings.Data, settings.Releases);
        if (adminKey is not null)
            Log.AdminKey(logger, adminKey);
        if (setupCode is not null)
            Log.Setup(logger, setupCode);
        if (settings.Provider is { ClientSecret: null } provider)
            Log.PublicClient(logger, provider.Authority.Authority);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Data in {Data}; drop folder and images in {Releases}.")]
        public static partial void Folders(ILogger logger, string data, string releases);

        [LoggerMessage(2, LogLevel.Information, "A new admin key is in {Path}; only its owner can read it.")]
        public static partial void AdminKey(ILogger logger, string path);

        [LoggerMessage(4, LogLevel.Information, "Nobody signs in at the dashboard yet: open /setup with the code in {Path}.")]
        public static partial void Setup(ILogger logger, string path);

        [LoggerMessage(3, LogLevel.Information, "Data in {Data}; drop folder {Releases}; images in {Container}.")]
        public static partial void Container(ILogger logger, string data, string releases, BlobSettings container);

        [LoggerMessage(5, LogLevel.Warning,
            "There is no OidcClientSecret: {Provider} signs people in only if this server is registered there as a public client.")]
        public static partial void PublicClient(ILogger logger, string provider);
    }
}
