namespace Ota.Benchmarks;

/// <summary>The published server, as a process on a data folder.</summary>
internal static class OtaProcess
{
    public static Task<Child> StartAsync(string server, string data, params string[] more)
    {
        var port = Child.FreePort();
        // A device's calls are looked at, and none is too many: that look is part of what is measured.
        string[] arguments =
        [
            server, "--urls", $"http://127.0.0.1:{port}", "--data", data, "--DeviceCallsPerMinute", "1000000", "--RefusedCallsPerMinute", "0",
            "--KeyCallsPerMinute", "0", .. more,
        ];
        return Child.StartAsync("dotnet", arguments, port, "/readyz", data + ".log");
    }
}
