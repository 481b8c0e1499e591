using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Units;

internal sealed record NewSite(string Name, string Ssid, string? Password);

internal sealed record Site(string Name, string Ssid, DateTimeOffset Created, string CreatedBy);

/// <summary><c>ota site</c>: places whose Wi-Fi units are provisioned for.</summary>
internal static class Sites
{
    private static readonly Argument<string> Name = new("name") { Description = "The site's name." };

    public static Command Add { get; } = new Verb(
        "add", "Add a site's Wi-Fi. The server keeps its password sealed and shows it to nobody.", AddAsync)
    {
        Name, WifiOptions.Ssid, WifiOptions.Stdin, WifiOptions.IsOpen,
    };

    public static Command List { get; } = new Verb("list", "List the sites.", ListAsync);

    public static Command Remove { get; } = new Verb("remove", "Forget a site; units that were provisioned for it keep its network.", RemoveAsync) { Name };

    private static async Task AddAsync(Call call, CancellationToken cancellation)
    {
        var name = Arguments.Named("site", call.Get(Name));
        var ssid = call.Get(WifiOptions.Ssid) ?? throw FailureException.Usage("Give the network's name by --ssid.");
        var password = await WifiOptions.PasswordAsync(call, call.Get(WifiOptions.Stdin), cancellation);
        var (site, _) = await call.Api.PostAsync<NewSite, Site>(
            ApiPath.Of($"sites"), new NewSite(name, ssid, password.Length > 0 ? password : null), cancellation);
        call.Screen.Show(site, screen => screen.Line(
            "Added ", new Cell(site.Name, Tone.Strong), $", network {site.Ssid}. A bundle for one unit: ota provision DEVICE --site {site.Name}"));
    }

    private static async Task ListAsync(Call call, CancellationToken cancellation)
    {
        var sites = await call.Api.GetAsync<Site[]>(ApiPath.Of($"sites"), cancellation);
        call.Screen.Show(sites, screen => screen.Table(
            ["Site", "Network", "Added", "By"],
            [.. sites.Select(site => new Cell[] { new(site.Name, Tone.Strong), site.Ssid, When.Exact(site.Created), site.CreatedBy })],
            "No sites. Add one with 'ota site add'."));
    }

    private static async Task RemoveAsync(Call call, CancellationToken cancellation)
    {
        var site = await call.Api.DeleteAsync<Site>(ApiPath.Of($"sites/{call.Get(Name)}"), cancellation);
        call.Screen.Show(site, screen => screen.Line($"The server has forgotten {site.Name} and the password of {site.Ssid}."));
    }
}
