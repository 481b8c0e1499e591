using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using Ota.Server.Images;

[assembly: AssemblyFixture(typeof(Ota.Server.Tests.Images.Azurite))]

namespace Ota.Server.Tests.Images;

/// <summary>
/// A real Azurite, Microsoft's emulator of Azure Blob Storage, in a folder and on a loopback port of its own. Started
/// when first asked for; it ends with the tests, however they end. tests/run.sh installs it.
/// </summary>
public sealed partial class Azurite : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-azurite-").FullName;
    private readonly string _key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    private readonly SemaphoreSlim _turn = new(1, 1);
    private Process? _process;
    private int _containers;

    /// <summary>Null when it can be started here, else why not.</summary>
    public static string? Missing { get; } =
        !File.Exists(Script()) ? "Azurite is not installed; bash tests/run.sh installs it where it may (npm)."
        : !Folders.Any(folder => File.Exists(Path.Combine(folder, "node")))
            ? "Azurite needs Node.js, which is not installed."
            : null;

    private static string[] Folders => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');

    /// <summary>The account's key, which nobody may repeat.</summary>
    public string Key => _key;

    /// <summary>Where it listens; stays the same when it is stopped and started again.</summary>
    public int Port { get; private set; }

    /// <summary>A name that no other test uses.</summary>
    public string NewContainer() =>
        string.Create(CultureInfo.InvariantCulture, $"images-{Interlocked.Increment(ref _containers)}");

    /// <summary>The connection string; starts it. Skips the test where it is missing.</summary>
    /// <param name="port">Where it is reached if not directly.</param>
    public async Task<string> ConnectionAsync(int? port = null)
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        await _turn.WaitAsync();
        try
        {
            if (_process is null)
                await RunAsync();
        }
        finally
        {
            _turn.Release();
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"AccountName=ota;AccountKey={_key};BlobEndpoint=http://127.0.0.1:{port ?? Port}/ota;");
    }

    /// <summary>A container as the server connects to one; starts Azurite.</summary>
    public async Task<BlobContainerClient> ContainerAsync(string name) => BlobConnection.To(await ConnectionAsync(), name);

    /// <summary>Ends it; what it keeps stays for the next start.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process)
            return;
        _process = null;
        process.StandardInput.Close();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
        _turn.Dispose();
    }

    private async Task RunAsync()
    {
        // The shell ends it when its own input ends: when we close it, or are no more.
        var process = Process.Start(new ProcessStartInfo(
            "/bin/sh",
            [
                "-c", "\"$@\" & child=$!; cat >/dev/null; kill $child; wait $child", "sh",
                "node", Script(), "--blobHost", "127.0.0.1", "--blobPort", Port.ToString(CultureInfo.InvariantCulture),
                "--location", _folder, "--silent", "--skipApiVersionCheck", "--loose", "--disableTelemetry",
            ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["AZURITE_ACCOUNTS"] = "ota:" + _key },
        })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Listening().Match(line) is not { Success: true } match)
                continue;
            Port = int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            _process = process;
            return;
        }

        throw new InvalidOperationException("Azurite ended without having listened.");
    }

    [GeneratedRegex(@"successfully listens on http://127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();

    private static string Script([CallerFilePath] string here = "") => Path.GetFullPath(
        Path.Combine(here, "..", "..", "..", ".tools/azurite/node_modules/azurite/dist/src/blob/main.js"));
}
