using Microsoft.Playwright;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>A person at a browser. Whatever the browser complains of, a script that failed or one that was kept out, fails the test.</summary>
internal sealed class AVisitor : IAsyncDisposable
{
    public const string Password = "correct horse battery";
    private readonly IBrowserContext _context;
    private readonly RunningServer _server;
    private readonly List<string> _complaints = [];

    private AVisitor(IBrowserContext context, IPage page, RunningServer server)
    {
        (_context, Page, _server) = (context, page, server);
        page.SetDefaultTimeout(60_000);
        page.PageError += (_, error) => _complaints.Add(error);
        page.Console += (_, said) =>
        {
            if (said.Type == "error")
                _complaints.Add(said.Text);
        };
    }

    public IPage Page { get; }

    /// <summary>What the browser complained of.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    /// <summary>What a test provokes, and has seen, is no complaint.</summary>
    public void Forgive(string part) => _complaints.RemoveAll(complaint => complaint.Contains(part, StringComparison.Ordinal));

    public static async Task<AVisitor> NewAsync(RunningServer server, int width = 1440, ColorScheme scheme = ColorScheme.Light)
    {
        var context = await Chromium.Instance.NewAsync(width, scheme);
        return new AVisitor(context, await context.NewPageAsync(), server);
    }

    /// <summary>Somebody of this role, signed in.</summary>
    public static async Task<AVisitor> OfAsync(RunningServer server, string role, int width = 1440, ColorScheme scheme = ColorScheme.Light)
    {
        var visitor = await NewAsync(server, width, scheme);
        var name = $"{role} {Guid.NewGuid():N}"[..24];
        var added = await server.PostAsync("api/v1/people", new { name, role });
        await visitor.SetUpAsync(added.GetProperty("code").GetString()!, name);
        return visitor;
    }

    public async Task SetUpAsync(string code, string name)
    {
        await Page.GotoAsync(Address("setup"));
        await Page.FillAsync("#code", code);
        await Page.FillAsync("#name", name);
        await Page.FillAsync("#password", Password);
        await Page.FillAsync("#again", Password);
        await Page.ClickAsync("button.act");
        await ReadyAsync();
    }

    public async Task OpenAsync(string path)
    {
        await Page.GotoAsync(Address(path));
        await ReadyAsync();
    }

    /// <summary>Waits until a text stands on the page, without asking for the page again.</summary>
    public Task SeesAsync(string text, float patience = 60_000) => Page.GetByText(text).First.WaitForAsync(new() { Timeout = patience });

    /// <summary>Waits until the heading stands there.</summary>
    public Task ReadyAsync() => Page.WaitForSelectorAsync("main h1");

    public Task PressAsync(string button) => Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();

    /// <summary>Does what takes a reason.</summary>
    public async Task SteerAsync(string button, string reason)
    {
        await PressAsync(button);
        await Page.FillAsync("#reason", reason);
        await Page.Locator(".rz-dialog button:is(.act, .danger)").ClickAsync();
        await Page.Locator(".rz-dialog").WaitForAsync(new() { State = WaitForSelectorState.Detached });
    }

    /// <summary>What comes when a link is pressed.</summary>
    public async Task<byte[]> DownloadAsync(string link)
    {
        var download = await Page.RunAndWaitForDownloadAsync(() => Page.GetByRole(AriaRole.Link, new() { Name = link }).ClickAsync());
        await using var file = await download.CreateReadStreamAsync();
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return bytes.ToArray();
    }

    public string Address(string path) => new Uri(_server.Anyone.BaseAddress!, path).ToString();

    public async ValueTask DisposeAsync()
    {
        await _context.CloseAsync();
        // What made a test fail is told first.
        if (TestContext.Current.TestState is null)
            Assert.Empty(_complaints);
    }
}
