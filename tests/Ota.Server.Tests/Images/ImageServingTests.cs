using System.Net;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

public sealed class DiskImageServingTests : ImageServingContract
{
    [Fact]
    public async Task An_image_deleted_while_it_is_downloaded_arrives_whole()
    {
        var bytes = AnImage.Of(32 << 20);
        await using var server = await ServingAsync(bytes);
        using var answer = await server.Client.GetAsync("", HttpCompletionOption.ResponseHeadersRead, Now);

        await server.Store.DeleteAsync(server.Image.Sha256, Now);

        var arrived = await answer.Content.ReadAsByteArrayAsync(Now);
        Assert.True(arrived.AsSpan().SequenceEqual(bytes));
    }

    private protected override Task<ImageServer> ServingAsync(byte[] bytes) =>
        ImageServer.ServingAsync(folder => new DiskImageStore(folder), bytes);
}

public sealed class BlobImageServingTests(Azurite azurite) : ImageServingContract
{
    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task A_store_with_links_redirects_to_one_that_nobody_keeps(string method)
    {
        var bytes = AnImage.Of(10_000);
        await using var server = await ServingAsync(bytes, ImageLinks.Redirect);
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });

        using var request = new HttpRequestMessage(new HttpMethod(method), server.Client.BaseAddress);

        using var answer = await client.SendAsync(request, Now);

        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.Equal(azurite.Port, answer.Headers.Location!.Port);
        Assert.Equal(bytes, await server.Client.GetByteArrayAsync("", Now));
    }

    [Fact]
    public async Task A_store_with_links_knows_what_a_client_has_and_what_is_gone()
    {
        await using var server = await ServingAsync(AnImage.Of(10_000), ImageLinks.Redirect);
        using var known = new HttpRequestMessage(HttpMethod.Get, "")
        {
            Headers = { IfNoneMatch = { new($"\"{server.Image.Sha256}\"") } },
        };
        Assert.Equal(HttpStatusCode.NotModified, (await server.Client.SendAsync(known, Now)).StatusCode);

        await server.Store.DeleteAsync(server.Image.Sha256, Now);

        Assert.Equal(HttpStatusCode.NotFound, (await server.Client.GetAsync("", Now)).StatusCode);
        Assert.Contains(server.Image.Sha256, Assert.Single(server.Logged), StringComparison.Ordinal);
    }

    private protected override Task<ImageServer> ServingAsync(byte[] bytes) => ServingAsync(bytes, ImageLinks.Server);

    private async Task<ImageServer> ServingAsync(byte[] bytes, ImageLinks links)
    {
        var container = await azurite.ContainerAsync(azurite.NewContainer());
        return await ImageServer.ServingAsync(
            folder => new BlobImageStore(container, new IncomingFolder(folder), links, TimeProvider.System), bytes);
    }
}
