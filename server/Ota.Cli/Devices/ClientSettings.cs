namespace Ota.Cli.Devices;

/// <summary>What a client is to be set to, ready to paste: its address, and the settings of one that asks with a secret beside it. Pure.</summary>
internal static class ClientSettings
{
    /// <summary>What the client is to ask; null for one that has no address but a token.</summary>
    /// <param name="server">As this command reaches it; a device may know it by another name.</param>
    public static string? AddressOf(AdoptedClient client, Uri server) => client.Path switch
    {
        "" => null,
        ['/', ..] path => new Uri(server, "./" + path.TrimStart('/')).AbsoluteUri,
        _ => throw Unexpected(),
    };

    /// <summary>Null for a dialect whose clients have no such file.</summary>
    /// <param name="server">As this command reaches it; a device may know it by another name.</param>
    public static string? Of(string product, AdoptedClient client, Uri server) => client.Dialect switch
    {
        "hawkbit" =>
            Swupdate(Plain(product), client, new Uri(server, "hawkbit")) + "\n\n" + Rauc(Plain(product), client, new Uri(server, "hawkbit")),
        "mender" =>
            $$"""
            {
              "ServerURL": "{{server.GetLeftPart(UriPartial.Authority)}}",
              "TenantToken": "{{Plain(client.Device)}}.{{Plain(client.Token)}}"
            }
            """,
        _ => null,
    };

    // The token in the file: on the command line others see it, and one that begins with a dash is taken for options. The version is not ours to know, and a
    // wrong one would be believed.
    private static string Swupdate(string tenant, AdoptedClient client, Uri address)
    {
        var start = $"swupdate -f /etc/swupdate.cfg -H {Plain(client.Hardware)}:1.0 -u";
        var (key, remark) = client.Protection == "signed"
            ? ("public-key-file = \"/etc/swupdate.pem\"; ", "")
            : ("", "\n# with a public-key-file, as Debian's build demands: adopt it with --protection signed");
        return $$"""
            # SWUpdate: /etc/swupdate.cfg, where every image says its own VERSION{{remark}}
            globals : { {{key}}postupdatecmd = "reboot"; };
            suricatta : {
              tenant = "{{tenant}}"; url = "{{address}}"; id = "{{Plain(client.HardwareId)}}";
              targettoken = "{{Plain(client.Token)}}";
            };
            identify : ( { name = "version"; value = "VERSION"; } );

            # how it is started; 1.0 is the board's revision
            {{start}} ''
            # the first time after the restart into what it installed; -c 3 after a fallback
            {{start}} '-c 2'
            """;
    }

    private static string Rauc(string tenant, AdoptedClient client, Uri address) =>
        $"""
        # rauc-hawkbit-updater: its configuration, where every image says its own VERSION
        [client]
        hawkbit_server = {address.Authority}{address.AbsolutePath}
        ssl = {(address.Scheme == "https" ? "true" : "false")}
        tenant_id = {tenant}
        target_name = {Plain(client.HardwareId)}
        auth_token = {Plain(client.Token)}
        bundle_download_location = /tmp/bundle.raucb
        post_update_reboot = true
        [device]
        sw_version = VERSION
        """;

    // It is pasted into a shell and into settings, and what answers at an address need not be our server.
    private static string Plain(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or ':' or '_' or '-') ? text : throw Unexpected();

    private static FailureException Unexpected() =>
        FailureException.UnexpectedAnswer("The server's answer holds what is no name and no token; is it the right address?", 200);
}
