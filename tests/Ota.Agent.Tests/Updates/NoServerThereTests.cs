using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Updates;

/// <summary>Names that lead nowhere and servers that prove nothing, over real sockets.</summary>
public sealed class NoServerThereTests
{
    [Theory]
    [InlineData("http://nowhere.invalid")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("http://[not an address")]
    [InlineData("")]
    public async Task A_server_that_cannot_be_found_is_asked_for_again_and_nothing_else_follows(string server)
    {
        await using var bench = await Bench.RunningAsync();
        var operations = bench.Device.Flash.Operations;
        var right = bench.Device.Unit.Server;
        bench.Device.Unit.Server = server;

        bench.Run(12);

        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(operations, bench.Device.Flash.Operations);
        Assert.Equal(0, bench.Device.Agent!.LastStatus);
        bench.Device.Unit.Server = right;
        bench.RunUntilSettled();
    }

    [Fact]
    public async Task A_server_whose_certificate_nobody_vouches_for_gets_neither_token_nor_obedience()
    {
        await using var impostor = await Impostor.StartAsync();
        await using var bench = await Bench.RunningAsync();
        var right = bench.Device.Unit.Server;
        bench.Device.Unit.Server = impostor.Address;

        bench.Run(12);

        Assert.Equal(0, impostor.Calls);
        Assert.Equal(0, bench.Device.Agent!.LastStatus);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(1, bench.Device.Agent.Networks.Count);
        bench.Device.Unit.Server = right;
        bench.RunUntilSettled();
    }

    [Theory]
    [InlineData("http://nowhere.invalid/image")]
    [InlineData("impostor")]
    public async Task An_image_behind_an_address_that_fails_is_fetched_once_the_address_is_right(string address)
    {
        await using var impostor = await Impostor.StartAsync();
        await using var bench = await Bench.RunningAsync();
        var deployment = bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.Server.Intercept = context =>
        {
            var isImage = context.Request.Path.StartsWithSegments("/images");
            if (isImage)
                context.Response.Redirect(address == "impostor" ? impostor.Address + "/image" : address);
            return Task.FromResult(isImage);
        };

        bench.Run(12);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Empty(bench.Refusals());
        Assert.Equal(0, impostor.Calls);

        bench.Server.Intercept = null;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
        Assert.True(deployment.Over);
    }

    /// <summary>An HTTPS server with a certificate that it signed itself.</summary>
    private sealed class Impostor : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private int _calls;

        private Impostor(WebApplication app) => _app = app;

        public string Address => _app.Urls.First();

        public int Calls => _calls;

        public static async Task<Impostor> StartAsync()
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseKestrelHttpsConfiguration();
            builder.WebHost.ConfigureKestrel(
                kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
            var impostor = new Impostor(builder.Build());
            impostor._app.Run(context =>
            {
                Interlocked.Increment(ref impostor._calls);
                context.Response.Headers.RetryAfter = "3600";
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return Task.CompletedTask;
            });
            await impostor._app.StartAsync();
            return impostor;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
