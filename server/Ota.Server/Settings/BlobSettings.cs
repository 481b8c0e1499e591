using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using Ota.Server.Images;

namespace Ota.Server.Settings;

/// <summary>Images in Azure Blob Storage (docs/operations.md). Not a record: one would print its secret.</summary>
internal sealed partial class BlobSettings
{
    private const string Usual = "ota-images";

    private BlobSettings(BlobContainerClient container, ImageLinks links) => (Container, Links) = (container, links);

    /// <summary>The container; not asked for anything yet.</summary>
    public BlobContainerClient Container { get; }

    public ImageLinks Links { get; }

    /// <summary>Null when images are kept on disk. No fault repeats the connection string: it is a secret.</summary>
    public static BlobSettings? From(IConfiguration configuration)
    {
        var links = LinksFrom(configuration["ImageLinks"]);
        if (configuration["AzureBlobs"] is not { Length: > 0 } account)
        {
            return links == ImageLinks.Server
                ? null
                : throw new SettingFault(
                    "Setting ImageLinks: redirect is for images in Azure Blob Storage; set AzureBlobs too.");
        }

        var name = configuration["AzureContainer"] is { Length: > 0 } given ? given : Usual;
        if (!ContainerName().IsMatch(name))
        {
            throw new SettingFault(
                $"Setting AzureContainer takes 3 to 63 of a-z, 0-9 and single '-' between them, not '{name}'.");
        }

        return new BlobSettings(Connected(account, name, links), links);
    }

    /// <summary>Where the images are, without what opens it.</summary>
    public override string ToString() => Container.Uri.GetLeftPart(UriPartial.Path);

    private static BlobContainerClient Connected(string account, string name, ImageLinks links)
    {
        BlobContainerClient container;
        try
        {
            container = BlobConnection.To(account.Trim(), name);
        }
        catch (FormatException)
        {
            throw new SettingFault(
                "Setting AzureBlobs takes a storage account's connection string (DefaultEndpointsProtocol=https;…), or the "
                + "address of its blob service with a SAS token (https://….blob.core.windows.net/?sv=…).");
        }

        return container.Uri switch
        {
            { Scheme: "http", IsLoopback: false } => throw new SettingFault(
                "Setting AzureBlobs: http is for an emulator on this machine only; use https, or the token travels in the "
                + "clear."),
            // The emulator has the account in the path.
            { IsLoopback: false, Segments.Length: > 2 } => throw new SettingFault(
                "Setting AzureBlobs takes the address of the blob service, without the container; that is "
                + "AzureContainer."),
            { Query: "" } when IsAddress(account) => throw new SettingFault(
                "Setting AzureBlobs: an address needs a SAS token behind it (?sv=…&sig=…), with the permissions read, "
                + "write, delete and list."),
            _ when links == ImageLinks.Redirect && !container.CanGenerateSasUri => throw new SettingFault(
                "Setting ImageLinks: redirect needs a connection string with an AccountKey in AzureBlobs; only that can "
                + "sign links."),
            _ => container,
        };
    }

    private static ImageLinks LinksFrom(string? text) => text switch
    {
        null or "" or "server" => ImageLinks.Server,
        "redirect" => ImageLinks.Redirect,
        _ => throw new SettingFault($"Setting ImageLinks takes server or redirect, not '{text}'."),
    };

    private static bool IsAddress(string account) =>
        account.TrimStart().StartsWith("http", StringComparison.OrdinalIgnoreCase);

    // https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
    [GeneratedRegex("^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$", RegexOptions.CultureInvariant)]
    private static partial Regex ContainerName();
}
