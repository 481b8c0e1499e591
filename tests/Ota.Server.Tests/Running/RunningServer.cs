using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Ota.Server.Pins;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.Tests.Running;

/// <summary>The real server in this process: real Kestrel on a free port, real SQLite, real files.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly bool _ownsFolder;
    private readonly string[] _more;
    private static readonly AsyncLocal<bool> IsPostgreSql = new();
    private RunningServer? _beside;

    private RunningServer(string folder, bool ownsFolder, string[] more) => (_folder, _ownsFolder, _more) = (folder, ownsFolder, more);

    public WebApplication App { get; private set; } = null!;

    /// <summary>Without any key.</summary>
    public HttpClient Anyone { get; private set; } = null!;

    public HttpClient Admin { get; private set; } = null!;

    public string Data => Path.Combine(_folder, "data");

    public string Releases => _beside?.Releases ?? Path.Combine(_folder, "releases");

    public string AdminKey => _beside?.AdminKey ?? File.ReadAllText(Path.Combine(Data, "admin.key")).Trim();

    /// <summary>What makes the first person; there is none once there is somebody.</summary>
    public string SetupCode => File.ReadAllText(Path.Combine(Data, "setup.code")).Trim();

    public LogCapture Log { get; } = new();

    /// <summary>The server's clock; moving it makes days pass.</summary>
    public MovedTime Time { get; } = new();

    public static RSA ReleaseKey { get; } = Key("TEST-ONLY-release-key.pem");

    public static RSA NextKey { get; } = Key("TEST-ONLY-next-release-key.pem");

    public static RSA StrangerKey { get; } = Key("TEST-ONLY-stranger-key.pem");

    public static async Task<RunningServer> StartAsync(string? folder = null, params string[] more)
    {
        if (IsPostgreSql.Value && folder is null)
            return await OnPostgreSqlAsync(beside: null, more);
        var server = new RunningServer(folder ?? Directory.CreateTempSubdirectory("ota-server-").FullName, folder is null, more);
        await server.RunAsync();
        return server;
    }

    /// <summary>From here on this test's servers are on PostgreSQL.</summary>
    public static void UsePostgreSql() => IsPostgreSql.Value = true;

    /// <summary>
    /// On a PostgreSQL database of its own; or another server on the same one as <paramref name="beside"/>, with its images and its master secret.
    /// </summary>
    public static async Task<RunningServer> OnPostgreSqlAsync(RunningServer? beside = null, params string[] more) =>
        await OnPostgreSqlAsync(beside?.ConnectionString ?? await PostgreSql.Instance.NewDatabaseAsync(), beside, more);

    public static async Task<RunningServer> OnPostgreSqlAsync(string connectionString, RunningServer? beside = null, params string[] more)
    {
        var folder = Directory.CreateTempSubdirectory("ota-server-").FullName;
        var server = new RunningServer(folder, ownsFolder: true, more) { ConnectionString = connectionString, _beside = beside };
        try
        {
            await server.RunAsync();
            return server;
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>Another server on the same database that has a master secret of its own.</summary>
    public static Task<RunningServer> StrangerAsync(RunningServer beside) => OnPostgreSqlAsync(beside.ConnectionString!);

    /// <summary>Null on the embedded database.</summary>
    public string? ConnectionString { get; private init; }

    /// <summary>Stops it and starts it on the same data.</summary>
    public Task RestartAsync() => StoppedAsync(() => { });

    /// <summary>Does something to its data between a stop and a start.</summary>
    public Task StoppedAsync(Action meanwhile) => StoppedAsync(() =>
    {
        meanwhile();
        return Task.CompletedTask;
    });

    /// <summary>Keeps its database as it is now.</summary>
    public Task BackUpAsync() => StoppedAsync(() => CopyAsync(from: "", to: "_backup"));

    /// <summary>Puts the database back to what it was when it was backed up.</summary>
    public Task RestoreAsync() => StoppedAsync(() => CopyAsync(from: "_backup", to: ""));

    private async Task StoppedAsync(Func<Task> meanwhile)
    {
        await StopAsync();
        await meanwhile();
        await RunAsync();
    }

    private Task CopyAsync(string from, string to)
    {
        if (ConnectionString is not null)
            return PostgreSql.Instance.CopyAsync(ConnectionString, from, to);
        var database = Path.Combine(Data, "ota.db");
        File.Copy(database + from, database + to, overwrite: true);
        return Task.CompletedTask;
    }

    public HttpClient With(string key) => new()
    {
        BaseAddress = Anyone.BaseAddress,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) },
    };

    /// <summary>A client with a fresh staff key of this role.</summary>
    public async Task<HttpClient> AsAsync(string role) => With((await PostAsync("api/v1/staff", new { name = role, role })).GetProperty("key").GetString()!);

    /// <summary>A product on virtual hardware that trusts the golden release key; its enrollment key.</summary>
    public async Task<string> AddProductAsync(string name = "kettle", string poll = "02:00 UTC ±60m") =>
        (await PostAsync("api/v1/products", new
        {
            name, hardware = new[] { "virtual", "esp32" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") }, poll,
        })).GetProperty("enrollmentKey").GetString()!;

    public async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await Admin.PostAsJsonAsync(path, body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public async Task<JsonElement> GetAsync(string path) => await Admin.GetFromJsonAsync<JsonElement>(path);

    /// <summary>Writes a pin as an app would.</summary>
    public async Task SetPinAsync(ADevice device, string pin, string value)
    {
        using var answer = await Admin.PutAsJsonAsync($"api/v1/devices/{device.Id}/pins/{pin}", new { value });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Writes what the server has to say by pins, which it does four times a second.</summary>
    public Task FlushPinsAsync() => App.Services.GetRequiredService<SystemPinWriter>().FlushAsync();

    public Task<JsonElement> PinAsync(ADevice device, string pin) => GetAsync($"api/v1/devices/{device.Id}/pins/{pin}");

    public async Task<HttpResponseMessage> UploadAsync(ABuild build)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/v1/products/kettle/releases") { Content = build.Form() };
        // As our own command line does: a refusal comes before megabytes are on their way.
        request.Headers.ExpectContinue = true;
        return await Admin.SendAsync(request);
    }

    public async Task<JsonElement> UploadedAsync(ABuild build)
    {
        using var answer = await UploadAsync(build);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Puts a build into the drop folder and waits for its verdict.</summary>
    public async Task<string> DroppedAsync(ABuild build)
    {
        var folder = Path.Combine(Releases, build.Statement.Product, build.Statement.Version);
        Directory.CreateDirectory(folder);
        await File.WriteAllBytesAsync(Path.Combine(folder, "image.bin"), build.Bytes);
        await File.WriteAllTextAsync(Path.Combine(folder, "image.jws"), build.Statement.Sign(build.Key));
        return await VerdictAsync($"{build.Statement.Product}/{build.Statement.Version}", result => result != "waiting");
    }

    /// <summary>The drop folder's verdict on a path, once it is one of those awaited.</summary>
    public async Task<string> VerdictAsync(string path, Predicate<string> awaited)
    {
        var patience = DateTime.UtcNow.AddSeconds(30);
        while (true)
        {
            var verdict = (await GetAsync("api/v1/drop-folder")).EnumerateArray()
                .Where(entry => entry.GetProperty("path").GetString() == path)
                .Select(entry => entry.GetProperty("result").GetString()!)
                .FirstOrDefault("none");
            if (verdict != "none" && awaited(verdict))
                return verdict;
            Assert.True(DateTime.UtcNow < patience, $"The drop folder says of {path}: {verdict}.");
            await Task.Delay(100);
        }
    }

    /// <summary>Lets the newest so many images stay, others so many days; or all with null.</summary>
    public async Task RetainAsync(int? keep, int days = 10)
    {
        object? retention = keep is null ? null : new { keep, days };
        using var answer = await Admin.PutAsJsonAsync("api/v1/products/kettle/retention", new { retention });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What happens every hour.</summary>
    public Task RetentionPassAsync() => App.Services.GetRequiredService<RetentionPass>().RunAsync(TestContext.Current.CancellationToken);

    /// <summary>Where the image of a build is or would be.</summary>
    public string FileOf(ABuild build)
    {
        var sha256 = build.Statement.Image.Sha256;
        return Path.Combine(Releases, ".images", sha256[..2], sha256);
    }

    /// <summary>Files in the image store, whole or on their way.</summary>
    public IReadOnlyList<string> StoredFiles => 
        [.. Directory.EnumerateFiles(Path.Combine(Releases, ".images"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownsFolder)
            Directory.Delete(_folder, recursive: true);
    }

    private async Task RunAsync()
    {
        string[] shared = ConnectionString is null ? []
            : ["--Database", ConnectionString, .. _beside is null ? [] : (string[])["--MasterKeyFile", Path.Combine(_beside.Data, "master.key")]];
        App = await ServerHost.BuildAsync(
            ["--urls", "http://127.0.0.1:0", "--data", Data, "--releases", Releases, .. shared, .. _more],
            builder =>
            {
                builder.Services.Where(service => service.ImplementationType == typeof(Microsoft.Extensions.Logging.Console.ConsoleLoggerProvider)).ToList()
                    .ForEach(console => builder.Services.Remove(console));
                builder.Logging.AddProvider(Log).SetMinimumLevel(LogLevel.Debug);
                builder.Services.AddSingleton<TimeProvider>(Time);
            });
        await App.StartAsync();
        var address = App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Anyone = new HttpClient { BaseAddress = new Uri(address + "/") };
        Admin = With(AdminKey);
    }

    private async Task StopAsync()
    {
        Anyone.Dispose();
        Admin.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }

    private static RSA Key(string name)
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(Vectors.Text(name));
        return rsa;
    }
}

/// <summary>The real clock, moved ahead as far as a test says; timers run in real time.</summary>
internal sealed class MovedTime : TimeProvider
{
    private readonly Lock _change = new();
    private long _seen = System.GetUtcNow().UtcTicks;
    private long _passed = TimeSpan.TicksPerDay;

    public TimeSpan Ahead { get; set; }

    /// <summary>The moment at which it stands still; null while it goes on.</summary>
    public DateTimeOffset? Still { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Still ?? base.GetUtcNow() + Ahead;

    /// <summary>Goes on as the clock does, and never back with it.</summary>
    public override long GetTimestamp()
    {
        lock (_change)
        {
            var now = GetUtcNow().UtcTicks;
            (_passed, _seen) = (_passed + Math.Max(0, now - _seen), now);
            return _passed;
        }
    }
}

/// <summary>A build to upload; states what matters, the rest is good.</summary>
internal sealed record ABuild(byte[] Bytes, ReleaseStatement Statement, RSA Key)
{
    public static ABuild Of(string version, string content = "firmware", string product = "kettle")
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(content);
        using var digests = new ImageDigests(bytes.Length);
        digests.Append(bytes);
        return new ABuild(
            bytes, new ReleaseStatement(product, version, "application", ["virtual"], 0, 1767225600, digests.Describe("raw")), RunningServer.ReleaseKey);
    }

    public MultipartFormDataContent Form() => new()
    {
        { new StringContent(Statement.Sign(Key)), "statement" },
        { new ByteArrayContent(Bytes), "image", "image.bin" },
    };
}

/// <summary>Everything the server logged, as text.</summary>
internal sealed class LogCapture : ILoggerProvider, ILogger
{
    private readonly System.Text.StringBuilder _text = new();

    public string Text
    {
        get
        {
            lock (_text)
                return _text.ToString();
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_text)
            _text.AppendLine(formatter(state, exception)).AppendLine(exception?.ToString());
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
