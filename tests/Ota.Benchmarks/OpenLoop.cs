using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Ota.Benchmarks;

/// <summary>
/// Sends requests at a fixed rate, whether or not the answers keep up, as devices do. A latency counts from the moment
/// the request was due, so that a stall of the server is not hidden by requests that were held back (and the lateness
/// of our own timer, about a millisecond, is in it too).
/// </summary>
internal static class OpenLoop
{
    /// <summary>Latencies in milliseconds, ascending.</summary>
    public static async Task<double[]> RunAsync(
        int port, IReadOnlyList<byte[]> requests, int connections, double rate, TimeSpan duration)
    {
        var start = Stopwatch.GetTimestamp();
        var all = await Task.WhenAll(Enumerable.Range(0, connections).Select(number =>
            ConnectionAsync(port, requests, number, connections, rate, start, duration)));
        var latencies = all.SelectMany(one => one).ToArray();
        Array.Sort(latencies);
        return latencies;
    }

    public static double Percentile(double[] ascending, double share) =>
        ascending[(int)(share * (ascending.Length - 1))];

    private static async Task<List<double>> ConnectionAsync(
        int port,
        IReadOnlyList<byte[]> requests,
        int number,
        int connections,
        double rate,
        long start,
        TimeSpan duration)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var latencies = new List<double>((int)(rate / connections * duration.TotalSeconds) + 1);
        var buffer = new byte[4096];
        for (long turn = number; ; turn += connections)
        {
            var due = TimeSpan.FromSeconds(turn / rate);
            if (due > duration)
                return latencies;
            while (due - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } wait)
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)));
            await socket.SendAsync(requests[(int)(turn % requests.Count)]);
            await AnswerAsync(socket, buffer);
            latencies.Add((Stopwatch.GetElapsedTime(start) - due).TotalMilliseconds);
        }
    }

    // A held check-in is answered with headers alone.
    private static async Task AnswerAsync(Socket socket, byte[] buffer)
    {
        var length = 0;
        do
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(length));
            length += read > 0 ? read : throw new InvalidOperationException("The server closed a connection.");
        }
        while (!buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8));
        if (!buffer.AsSpan().StartsWith("HTTP/1.1 204"u8))
            throw new InvalidOperationException(Encoding.ASCII.GetString(buffer, 0, length));
    }
}
