using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Ota.EndToEnd.Tests.Cli;

public sealed class UploadTests : IDisposable
{
    private const string Release = """
        {"id":"1","product":"thermostat","version":"1.0.0","kind":"application","hardware":["esp32"],"securityCounter":0,
         "image":{"sha256":"","md5":"","size":1,"format":"raw"}}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public UploadTests() => _ota = new OtaCommand(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_image_far_larger_than_the_memory_allowed_is_uploaded_whole_after_its_statement()
    {
        const long size = 400L * 1024 * 1024;
        using (var image = File.Create(_folder["app.bin"]))
            image.SetLength(size);
        var parts = new List<(string Name, long Length)>();
        await using var server = await StubServer.StartAsync(async context =>
        {
            var boundary = context.Request.ContentType!.Split("boundary=")[1].Trim('"');
            var reader = new MultipartReader(boundary, context.Request.Body);
            while (await reader.ReadNextSectionAsync(context.RequestAborted) is { } section)
            {
                var counter = new CountingStream();
                await section.Body.CopyToAsync(counter, context.RequestAborted);
                parts.Add((section.AsFileSection()?.Name ?? section.AsFormDataSection()!.Name, counter.Count));
            }

            context.Response.StatusCode = 201;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Release);
        });
        _ota["OTA_SERVER"] = server.Address;
        _ota["DOTNET_GCHeapHardLimit"] = "4000000"; // hex bytes: 64 MiB

        (await PushAsync()).Succeeded();

        Assert.Equal(["statement", "image"], parts.Select(part => part.Name));
        Assert.Equal(size, parts[1].Length);
    }

    [Fact]
    public async Task A_refused_key_is_told_before_the_image_is_sent()
    {
        File.WriteAllBytes(_folder["app.bin"], new byte[8 * 1024 * 1024]);
        await using var server = await StubServer.StartAsync(403, "application/problem+json", """{"title":"Not for your role"}""");
        _ota["OTA_SERVER"] = server.Address;

        var result = await PushAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Not for your role", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_key_never_goes_over_the_wire()
    {
        File.WriteAllBytes(_folder["app.bin"], new byte[10]);
        var body = "";
        await using var server = await StubServer.StartAsync(async context =>
        {
            body = await new StreamReader(context.Request.Body).ReadToEndAsync(context.RequestAborted);
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Release);
        });
        _ota["OTA_SERVER"] = server.Address;

        (await PushAsync()).Succeeded();

        Assert.NotEqual("", body);
        Assert.DoesNotContain("PRIVATE", body, StringComparison.Ordinal);
    }

    private Task<CommandResult> PushAsync() => _ota.RunAsync(
        "release", "push", "thermostat", "1.0.0", "app.bin", "--hardware", "board", "--key", Built.Vector("TEST-ONLY-release-key.pem"));

    private sealed class CountingStream : MemoryStream
    {
        public long Count { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
