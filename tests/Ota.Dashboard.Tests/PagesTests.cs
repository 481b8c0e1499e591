using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Ota.Server.Tests;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>Every page: fit for everybody, at a desk and on a telephone, by day and by night.</summary>
public sealed class PagesTests(PagesTests.Filled filled) : IClassFixture<PagesTests.Filled>
{
    private const string TimesElsewhere =
        """
        () => [...document.querySelectorAll('main time')].filter(time => !/ Australia\/Adelaide, .* UTC$/.test(time.title)).map(time => time.outerHTML)
        """;

    [Theory]
    [InlineData(1440, ColorScheme.Light)]
    [InlineData(1440, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task No_page_has_a_serious_fault_of_accessibility_nor_is_wider_than_the_screen(int width, ColorScheme scheme)
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        await using var admin = await AVisitor.OfAsync(filled.Server, "admin", width, scheme);
        var faults = new List<string>();
        // The settings are looked at below, with every form open.
        foreach (var (name, path) in filled.With.Pages.Where(page => page.Name != "product").Append(("account", "account")))
        {
            await admin.OpenAsync(path);
            if (name == "rollout-new")
            {
                await admin.PressAsync("Preview");
                await admin.SeesAsync("would go to");
            }

            await LookAsync(admin, $"{name}-{width}-{scheme}", faults);
        }

        foreach (var (name, device) in new[] { ("recover", filled.With.Device), ("recover-client", filled.With.Client) })
        {
            await admin.OpenAsync("devices/" + device);
            await admin.PressAsync("Recover…");
            await admin.SeesAsync("What happens to its owner.");
            await LookAsync(admin, $"{name}-{width}-{scheme}", faults);
        }

        await admin.OpenAsync("devices/" + filled.With.Device);
        await admin.PressAsync("Label…");
        await admin.PressAsync("Show it");
        await admin.Page.Locator("img.label").WaitForAsync();
        await LookAsync(admin, $"label-{width}-{scheme}", faults);
        await admin.OpenAsync("products/kettle");
        await admin.Page.EvaluateAsync("() => document.querySelectorAll('details').forEach(one => one.open = true)");
        await LookAsync(admin, $"product-open-{width}-{scheme}", faults);
        await using var nobody = await AVisitor.NewAsync(filled.Server, width, scheme);
        foreach (var path in new[] { "sign-in", "setup" })
        {
            await nobody.OpenAsync(path);
            await LookAsync(nobody, $"{path}-{width}-{scheme}", faults);
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static async Task LookAsync(AVisitor visitor, string name, List<string> faults)
    {
        var folder = Vectors.Repository("tests/Ota.Dashboard.Tests/Screenshots");
        Directory.CreateDirectory(folder);
        await visitor.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name.ToLowerInvariant() + ".png"), FullPage = true });
        var wide = await visitor.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if (wide > 0)
            faults.Add($"{name} is {wide} pixels wider than the screen.");
        faults.AddRange((await visitor.Page.EvaluateAsync<string[]>(TimesElsewhere))
            .Select(time => $"{name}: {time} is not in the reader's zone with UTC on hover."));
        foreach (var fault in (await visitor.Page.RunAxe()).Violations.Where(fault => fault.Impact is "serious" or "critical"))
            faults.Add($"{name}: {fault.Id}, {fault.Help}: {string.Join(" | ", fault.Nodes.Take(3).Select(node => node.Html))}");
    }

    /// <summary>One for all of them: nothing on it is changed.</summary>
    public sealed class Filled : IAsyncLifetime
    {
        internal RunningServer Server { get; private set; } = null!;

        internal AFilledServer With { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            if (Chromium.Missing is not null)
                return;
            Server = await RunningServer.StartAsync();
            With = await AFilledServer.FillAsync(Server);
        }

        public async ValueTask DisposeAsync()
        {
            if (Server is not null)
                await Server.DisposeAsync();
        }
    }
}
