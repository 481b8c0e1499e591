using Microsoft.Extensions.Configuration;
using Ota.Server.Images;
using Ota.Server.Settings;

namespace Ota.Server.Tests.Data;

public sealed class BlobSettingsTests
{
    private const string Secret = "c2VjcmV0LW9mLXRoZS1hY2NvdW50";
    private const string Account = "DefaultEndpointsProtocol=https;AccountName=kettles;AccountKey=" + Secret + ";EndpointSuffix=core.windows.net";
    private const string Address = "https://kettles.blob.core.windows.net/?sv=2023-08-03&sp=rwdl&sig=" + Secret;

    [Fact]
    public void Without_an_account_images_are_on_disk() => Assert.Null(BlobSettings.From(Configured()));

    [Theory]
    [InlineData(Account, null, "https://kettles.blob.core.windows.net/ota-images")]
    [InlineData(Address, null, "https://kettles.blob.core.windows.net/ota-images")]
    [InlineData(Account, "a-1", "https://kettles.blob.core.windows.net/a-1")]
    [InlineData("UseDevelopmentStorage=true", "images", "http://127.0.0.1:10000/devstoreaccount1/images")]
    [InlineData("http://127.0.0.1:10000/ota?sv=1&sig=" + Secret, "images", "http://127.0.0.1:10000/ota/images")]
    public void An_account_or_an_address_says_where_the_container_is_and_shows_no_secret(string account, string? container, string where)
    {
        var blobs = BlobSettings.From(Configured(("AzureBlobs", account), ("AzureContainer", container)))!;

        Assert.Equal(where, blobs.ToString());
        Assert.Equal(ImageLinks.Server, blobs.Links);
    }

    [Fact]
    public void Links_are_signed_with_an_account_key() =>
        Assert.Equal(ImageLinks.Redirect, BlobSettings.From(Configured(("AzureBlobs", Account), ("ImageLinks", "redirect")))!.Links);

    [Theory]
    [InlineData("AzureBlobs", "kettles " + Secret)]
    [InlineData("AzureBlobs", "AccountName=kettles;AccountKey=not base64 " + Secret)]
    [InlineData("AzureBlobs", "https://" + Secret + " /")]
    [InlineData("AzureBlobs", "https://kettles.blob.core.windows.net/")]
    [InlineData("AzureBlobs", "https://kettles.blob.core.windows.net/ota-images?sv=1&sig=" + Secret)]
    [InlineData("AzureBlobs", "http://kettles.blob.core.windows.net/?sv=1&sig=" + Secret)]
    [InlineData("AzureBlobs", "DefaultEndpointsProtocol=http;AccountName=kettles;AccountKey=" + Secret)]
    [InlineData("AzureContainer", Account, "Images")]
    [InlineData("AzureContainer", Account, "ab")]
    [InlineData("AzureContainer", Account, "a--b")]
    [InlineData("AzureContainer", Account, "../other")]
    [InlineData("ImageLinks", Account, null, "302")]
    [InlineData("ImageLinks", Address, null, "redirect")]
    [InlineData("ImageLinks", null, null, "redirect")]
    public void What_cannot_be_used_is_named_and_its_secret_is_not_repeated(
        string says, string? account, string? container = null, string? links = null)
    {
        var configured = Configured(("AzureBlobs", account), ("AzureContainer", container), ("ImageLinks", links));

        var fault = Assert.Throws<SettingFault>(() => BlobSettings.From(configured));

        Assert.StartsWith("Setting " + says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, fault.ToString(), StringComparison.Ordinal);
    }

    private static IConfiguration Configured(params (string Name, string? Value)[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value)))
            .Build();
}
