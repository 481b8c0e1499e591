using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Ota.Dashboard.Tests.Chromium))]

// One browser and two processors: side by side the pages would only wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Ota.Dashboard.Tests;

/// <summary>Debian's Chromium, headless, one for all tests; a test that needs it is skipped where it is not installed.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Arguments =
        ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public static string Path { get; } = "/usr/bin/chromium";

    /// <summary>Null when it can be started here, else why not.</summary>
    public static string? Missing { get; } = File.Exists(Path) ? null : "Chromium (Debian's package chromium) is not installed.";

    /// <summary>The one of this run.</summary>
    public static Chromium Instance { get; private set; } = null!;

    public ValueTask InitializeAsync()
    {
        Instance = this;
        return ValueTask.CompletedTask;
    }

    public async Task<IBrowserContext> NewAsync(int width, ColorScheme scheme)
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Path, Args = Arguments });
        return await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 900 }, ColorScheme = scheme, TimezoneId = "Australia/Adelaide",
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.CloseAsync();
        _playwright?.Dispose();
    }
}
