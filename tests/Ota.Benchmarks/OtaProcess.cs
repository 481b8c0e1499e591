namespace Ota.Benchmarks;

/// <summary>The published server, as a process on a data folder.</summary>
internal static class OtaProcess
{
    public static Task<Child> StartAsync(string server, string data, params string[] more)
    {
        var port = Child.FreePort();
        string[] arguments = [server, "--urls", $"http://127.0.0.1:{port}", "--data", data, .. more];
        return Child.StartAsync("dotnet", arguments, port, "/readyz", data + ".log");
    }
}
