namespace Ota.Benchmarks;

/// <summary>The published server, as a process on a data folder.</summary>
internal static class OtaProcess
{
    /// <param name="database">Connection string; null for the embedded one.</param>
    public static Task<Child> StartAsync(string server, string data, string? database = null)
    {
        var port = Child.FreePort();
        string[] arguments =
        [
            server, "--urls", $"http://127.0.0.1:{port}", "--data", data, .. database is null ? [] : (string[])["--Database", database],
        ];
        return Child.StartAsync("dotnet", arguments, port, "/readyz", data + ".log");
    }
}
