using System.Net;
using System.Net.Sockets;

namespace Ota.Server.Tests.Images;

/// <summary>A line to a port of this machine that breaks after as many bytes of answers as a test says.</summary>
internal sealed class AWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Func<int> _target;
    private readonly Task _accepting;
    private long _left = long.MaxValue;
    private long _carried;

    /// <param name="target">The port that it leads to, asked for each connection.</param>
    public AWire(Func<int> target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes of answers so far.</summary>
    public long Carried => Interlocked.Read(ref _carried);

    /// <summary>Breaks all connections after so many more bytes, and every one that is made then.</summary>
    public void BreakAfter(long bytes) => Interlocked.Exchange(ref _left, bytes);

    public bool IsBroken => Interlocked.Read(ref _left) <= 0;

    public void Mend() => Interlocked.Exchange(ref _left, long.MaxValue);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
                open.Add(CarryAsync(await _listener.AcceptSocketAsync(_end.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (near)
        {
            // A reset, as of a machine that is gone.
            near.LingerState = new LingerOption(enable: true, seconds: 0);
            try
            {
                if (Interlocked.Read(ref _left) <= 0)
                    return;
                await far.ConnectAsync(IPAddress.Loopback, _target(), ended.Token);
                await Task.WhenAny(
                    PumpAsync(near, far, bytes => bytes, ended.Token), PumpAsync(far, near, Allowed, ended.Token));
            }
            catch (SocketException)
            {
                // Nobody listens there.
            }
            finally
            {
                await ended.CancelAsync();
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Func<int, int> allowed, CancellationToken end)
    {
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, end)) > 0;)
            {
                var passing = allowed(read);
                await to.SendAsync(buffer.AsMemory(0, passing), end);
                if (passing < read)
                    return;
            }
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end is gone; the other follows.
        }
    }

    private int Allowed(int bytes)
    {
        var passing = (int)Math.Clamp(Interlocked.Add(ref _left, -bytes) + bytes, 0, bytes);
        Interlocked.Add(ref _carried, passing);
        return passing;
    }
}
