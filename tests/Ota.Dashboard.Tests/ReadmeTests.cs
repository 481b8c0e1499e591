using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Ota.Server.Tests;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>Somebody who has never seen it presses what the README says, word by word, and finds what it promises there.</summary>
public sealed partial class ReadmeTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _unit = null!;
    private AVisitor _support = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        _server = await RunningServer.StartAsync();
        var key = await _server.AddProductAsync();
        _unit = await ADevice.EnrollAsync(_server, key);
        await _unit.HeldAsync();
        await AFilledServer.CrashAsync(_server, _unit);

        var well = await ADevice.EnrollAsync(_server, key, "02:00:00:00:00:02");
        await well.HeldAsync();
        await _server.UploadedAsync(AFilledServer.Recovery());
        _support = await AVisitor.OfAsync(_server, "support");
        await _support.OpenAsync("releases");
    }

    public async ValueTask DisposeAsync()
    {
        if (_support is not null)
            await _support.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_says_where_the_units_in_trouble_are()
    {
        await FindTroubleAsync();
    }

    [Fact]
    public async Task It_says_where_the_reason_of_a_unit_that_restarts_is()
    {
        await FindTroubleAsync();
        var heading = Answer("Why does this one restart?") is [var only] ? only : throw new InvalidDataException("Another answer.");

        await Trouble().GetByRole(AriaRole.Link).ClickAsync();

        var why = _support.Page.GetByRole(AriaRole.Region, new() { Name = heading });
        await why.GetByText("crash, its program failed").WaitForAsync();
        Assert.Contains("3 × crash", await why.InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_how_a_recovery_is_sent()
    {
        await FindTroubleAsync();
        await Trouble().GetByRole(AriaRole.Link).ClickAsync();

        var buttons = Answer("How do I send it a recovery?");
        Assert.Equal(2, buttons.Length);
        await _support.PressAsync(buttons[0]);
        await _support.SeesAsync("What happens to the unit");
        await _support.SeesAsync("What happens to its owner");
        await _support.Page.GetByLabel("Reason").FillAsync("new router");
        await _support.PressAsync(buttons[1]);

        await _support.SeesAsync("Recovery ordered: new router");
        Assert.Equal("armed", await _unit.StateAsync());
    }

    private async Task FindTroubleAsync()
    {
        var answer = Answer("Which units are in trouble?");
        Assert.Equal(2, answer.Length);
        await _support.Page.GetByRole(AriaRole.Link, new() { Name = answer[0], Exact = true }).ClickAsync();

        await _support.Page.GetByRole(AriaRole.Heading, new() { Name = answer[1], Exact = true }).WaitForAsync();
        await Trouble().GetByText("02:00:00:00:00:01").WaitForAsync();
        Assert.Equal(1, await Trouble().GetByRole(AriaRole.Listitem).CountAsync());
    }

    private ILocator Trouble() => _support.Page.GetByRole(AriaRole.Region, new() { Name = Answer("Which units are in trouble?")[1] });

    /// <summary>What the README's row says to press or to look for, in its order.</summary>
    private static string[] Answer(string question)
    {
        var row = File.ReadLines(Vectors.Repository("README.md")).Single(line => line.StartsWith($"| {question} |", StringComparison.Ordinal));
        return [.. Bold().Matches(row.Split('|')[2]).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex(@"\*\*(.+?)\*\*")]
    private static partial Regex Bold();
}
