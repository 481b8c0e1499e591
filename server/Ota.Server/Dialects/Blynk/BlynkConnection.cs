using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Ota.Server.Dialects.Blynk;

/// <summary>
/// One client's connection, read frame by frame. It costs no thread, and no buffer while nothing comes: there is one only from the first byte of a
/// frame to its last.
/// </summary>
internal sealed class BlynkConnection(Socket socket, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);
    private const int BufferSize = BlynkFrame.HeaderSize + BlynkFrame.LongestBody;
    private const int MostAfterwards = 64 * 1024;

    private readonly CancellationTokenSource _over = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private Stream _stream = new NetworkStream(socket, ownsSocket: true);
    private long _silence;
    private long _heard = time.GetTimestamp();
    private long _writing;

    /// <summary>Cancelled when it is to end, from either side.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>Where the client reached this server.</summary>
    public IPEndPoint Local => (IPEndPoint)socket.LocalEndPoint!;

    /// <summary>Where the client calls from.</summary>
    public IPAddress Remote => ((IPEndPoint)socket.RemoteEndPoint!).Address;

    /// <summary>For how long nothing whole may come before it is closed.</summary>
    public TimeSpan Silence
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _silence));
        set => Volatile.Write(ref _silence, value.Ticks);
    }

    /// <summary>True when nothing whole has come for too long, or what was written is not taken.</summary>
    public bool IsDead =>
        time.GetElapsedTime(Volatile.Read(ref _heard)) > Silence
        || (Volatile.Read(ref _writing) is var began and not 0 && time.GetElapsedTime(began) > Stuck);

    /// <summary>Speaks TLS from now on.</summary>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The client does not.</exception>
    public async Task SecureAsync(SslServerAuthenticationOptions options)
    {
        var secured = new SslStream(_stream);
        _stream = secured;
        await secured.AuthenticateAsServerAsync(options, Over);
    }

    /// <summary>The frames as they come; ends when the client ends, or sends what is none.</summary>
    public async IAsyncEnumerable<BlynkFrame> FramesAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        byte[]? buffer = null;
        try
        {
            for (var filled = 0; ;)
            {
                // Until something is there to be read.
                _ = await _stream.ReadAsync(Memory<byte>.Empty, cancellation);
                buffer ??= ArrayPool<byte>.Shared.Rent(BufferSize);
                var read = await _stream.ReadAsync(buffer.AsMemory(filled), cancellation);
                if (read == 0)
                    yield break;
                filled += read;
                var taken = 0;
                BlynkReading reading;
                while ((reading = BlynkFrame.Read(buffer.AsMemory(taken, filled - taken), out var frame, out var size)) == BlynkReading.Frame)
                {
                    Volatile.Write(ref _heard, time.GetTimestamp());
                    taken += size;
                    yield return frame;
                }

                if (reading == BlynkReading.Illegal)
                    yield break;
                filled -= taken;
                if (filled > 0)
                {
                    buffer.AsSpan(taken, filled).CopyTo(buffer);
                    continue;
                }

                ArrayPool<byte>.Shared.Return(buffer);
                buffer = null;
            }
        }
        finally
        {
            if (buffer is not null)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public ValueTask RespondAsync(ushort id, BlynkStatus status) => SendAsync(BlynkCommand.Response, id, (ushort)status, []);

    public ValueTask SendAsync(byte command, ushort id, byte[] body) => SendAsync(command, id, (ushort)body.Length, body);

    /// <summary>Ends it as soon as may be; what is under way is called off.</summary>
    public void Close()
    {
        try
        {
            _over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended meanwhile.
        }
    }

    /// <summary>
    /// Says that nothing more comes and waits a moment for the client to hear it: to close at once while something of it is unread would take away
    /// the last answer.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        using var moment = new CancellationTokenSource(Farewell, time);
        var buffer = ArrayPool<byte>.Shared.Rent(1024);
        try
        {
            if (_stream is SslStream { IsAuthenticated: true } secured)
                await secured.ShutdownAsync().WaitAsync(moment.Token);
            socket.Shutdown(SocketShutdown.Send);
            for (int read, left = MostAfterwards; left > 0 && (read = await socket.ReceiveAsync(buffer, moment.Token)) > 0; left -= read)
            {
                // Until it has closed its side too.
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // It did not wait for a farewell.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            await _stream.DisposeAsync();
            _over.Dispose();
            _turn.Dispose();
        }
    }

    private async ValueTask SendAsync(byte command, ushort id, ushort length, byte[] body)
    {
        await _turn.WaitAsync(Over);
        var frame = ArrayPool<byte>.Shared.Rent(BlynkFrame.HeaderSize + body.Length);
        try
        {
            BlynkFrame.WriteHeader(frame, command, id, length);
            body.CopyTo(frame.AsSpan(BlynkFrame.HeaderSize));
            Volatile.Write(ref _writing, time.GetTimestamp());
            await _stream.WriteAsync(frame.AsMemory(0, BlynkFrame.HeaderSize + body.Length), Over);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
            _turn.Release();
            ArrayPool<byte>.Shared.Return(frame);
        }
    }
}
