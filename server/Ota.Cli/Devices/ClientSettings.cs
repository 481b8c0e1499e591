namespace Ota.Cli.Devices;

/// <summary>What a client that asks with a secret of its own, and not by its address alone, is to be set to: ready to paste. Pure.</summary>
internal static class ClientSettings
{
    /// <summary>Null for a dialect whose clients have no such file.</summary>
    /// <param name="server">As this command reaches it; a device may know it by another name.</param>
    public static string? Of(string product, AdoptedClient client, Uri server) => client.Dialect switch
    {
        "hawkbit" => Hawkbit(Plain(product), Plain(client.HardwareId), Plain(client.Token), new Uri(server, "hawkbit")),
        "mender" =>
            $$"""
            {
              "ServerURL": "{{server.GetLeftPart(UriPartial.Authority)}}",
              "TenantToken": "{{Plain(client.Device)}}.{{Plain(client.Token)}}"
            }
            """,
        _ => null,
    };

    private static string Hawkbit(string tenant, string controller, string token, Uri address) =>
        $"""
        # SWUpdate; dialects.md has the rest of its start
        swupdate -u '-t {tenant} -u {address} -i {controller} -k {token}'

        # rauc-hawkbit-updater
        [client]
        hawkbit_server = {address.Authority}{address.AbsolutePath}
        ssl = {(address.Scheme == "https" ? "true" : "false")}
        tenant_id = {tenant}
        target_name = {controller}
        auth_token = {token}
        bundle_download_location = /tmp/bundle.raucb
        """;

    // It is pasted into a shell and into settings, and what answers at an address need not be our server.
    private static string Plain(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or ':' or '_' or '-')
        ? text
        : throw FailureException.UnexpectedAnswer("The server's answer holds what is no name and no token; is it the right address?", 200);
}
