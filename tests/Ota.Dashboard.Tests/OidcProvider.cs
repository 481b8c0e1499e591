using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Ota.Dashboard.Tests;

/// <summary>
/// An OpenID Connect provider of others' making, the certified oidc-provider for Node.js, on a loopback port of its own. It asks for any name and believes it;
/// everybody is in the group ota-admins. It ends with the test, however that ends. tests/run.sh installs it.
/// </summary>
internal sealed class OidcProvider : IAsyncDisposable
{
    public const string ClientId = "ota";
    public const string Secret = "a secret of the tests";
    private readonly Process _process;

    private OidcProvider(Process process, string address) => (_process, Address) = (process, address);

    /// <summary>Null when it can be started here, else why not.</summary>
    public static string? Missing { get; } =
        !File.Exists(Script()) ? "oidc-provider is not installed; bash tests/run.sh installs it where it may (npm)."
        : !(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "node")))
            ? "oidc-provider needs Node.js, which is not installed."
            : null;

    public string Address { get; }

    /// <summary>Starts it; the test is skipped where it is missing.</summary>
    public static async Task<OidcProvider> StartAsync()
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        var process = Process.Start(new ProcessStartInfo("node", ["--input-type=module", "-e", Program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["PROVIDER"] = Script(), ["CLIENT_ID"] = ClientId, ["CLIENT_SECRET"] = Secret },
        })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("http://", StringComparison.Ordinal))
                return new OidcProvider(process, line);
        }

        throw new InvalidOperationException("oidc-provider ended without having listened.");
    }

    /// <summary>Registers the client; nobody is let in before.</summary>
    public async Task RegisterAsync(Uri redirect)
    {
        await _process.StandardInput.WriteLineAsync(redirect.ToString());
        await _process.StandardInput.FlushAsync();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "registered")
                return;
        }

        throw new InvalidOperationException("oidc-provider did not take the client.");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    // Its input is the redirect address; when that ends, so does it.
    private const string Program =
        """
        import http from 'node:http';
        import readline from 'node:readline';
        const { default: Provider } = await import(process.env.PROVIDER);
        const server = http.createServer();
        server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
        const lines = readline.createInterface({ input: process.stdin });
        lines.on('close', () => process.exit(0));
        lines.on('line', redirect => {
          const provider = new Provider(`http://127.0.0.1:${server.address().port}`, {
            clients: [{ client_id: process.env.CLIENT_ID, client_secret: process.env.CLIENT_SECRET, redirect_uris: [redirect] }],
            pkce: { methods: ['S256'], required: () => true },
            claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
            conformIdTokenClaims: false,
            cookies: { keys: ['of the tests'] },
            findAccount: async (context, id) => ({
              accountId: id,
              claims: async () => ({ sub: id, name: `${id} of the provider`, email: `${id}@example.com`, email_verified: true, groups: ['ota-admins'] }),
            }),
          });
          server.on('request', provider.callback());
          console.log('registered');
        });
        """;

    private static string Script([CallerFilePath] string here = "") => Path.GetFullPath(
        Path.Combine(here, "..", "..", ".tools/oidc/node_modules/oidc-provider/lib/index.js"));
}
