using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>Builds in and out by the browser.</summary>
public sealed class ReleaseTests : OnARunningServer
{
    [Fact]
    public async Task A_build_whose_bytes_were_changed_is_refused_in_words()
    {
        await Server.AddProductAsync();
        await using var developer = await AVisitor.OfAsync(Server, "developer");
        var build = ABuild.Of("1.0.0", "the first build");
        await developer.OpenAsync("releases");

        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build with { Bytes = [.. build.Bytes[..^1], 0] }));

        await developer.Page.GetByRole(AriaRole.Alert).WaitForAsync();
        Assert.Contains("SHA-256", await developer.Page.GetByRole(AriaRole.Alert).TextContentAsync(), StringComparison.Ordinal);
        Assert.Empty((await Server.GetAsync("api/v1/products/kettle/releases")).EnumerateArray());
    }

    [Fact]
    public async Task A_build_is_dropped_into_a_channel_downloaded_made_a_step_and_withdrawn()
    {
        await Server.AddProductAsync();
        await using var developer = await AVisitor.OfAsync(Server, "developer");
        var build = ABuild.Of("1.0.0", "the first build");
        await developer.OpenAsync("releases");

        await developer.Page.FillAsync("#upload-channel", "no such name!");
        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build));
        await developer.SeesAsync("The channel ");
        await developer.Page.FillAsync("#upload-channel", "beta");
        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build));
        await developer.SeesAsync("which kettle trusts");

        Assert.Equal("beta", (await ReleaseAsync()).GetProperty("channel").GetString());
        Assert.Equal(build.Bytes, await developer.DownloadAsync("Image"));
        Assert.Equal(build.Statement.Sign(build.Key), Encoding.ASCII.GetString(await developer.DownloadAsync("Statement")));
        await developer.PressAsync("Make it a step");
        await developer.SeesAsync("A step: devices below it run it before anything newer.");
        Assert.True((await ReleaseAsync()).GetProperty("step").GetBoolean());
        await developer.SteerAsync("Withdraw…", "it leaks");
        await developer.SeesAsync("it leaks. Nobody is offered it any more.");
    }

    private Task<JsonElement> ReleaseAsync() => Server.GetAsync("api/v1/products/kettle/releases/1.0.0");

    internal static FilePayload[] Files(ABuild build) =>
    [
        new FilePayload { Name = "image.bin", MimeType = "application/octet-stream", Buffer = build.Bytes },
        new FilePayload
        {
            Name = "image.bin.statement.jws", MimeType = "application/jose", Buffer = Encoding.ASCII.GetBytes(build.Statement.Sign(build.Key)),
        },
    ];
}
