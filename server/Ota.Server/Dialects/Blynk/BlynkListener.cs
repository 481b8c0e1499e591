using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Pins;
using Ota.Server.Settings;

namespace Ota.Server.Dialects.Blynk;

/// <summary>Takes clients that speak Blynk's protocol on ports of their own, in the clear or with TLS.</summary>
internal sealed partial class BlynkListener(
    ServerSettings settings, BlynkSessions sessions, BlynkPins pins, BlynkUpdates updates, PinLines lines, DeviceAuthentication authentication,
    CallLimits limits, TimeProvider time, ILogger<BlynkListener> logger, ServerCertificate? certificate = null) : BackgroundService
{
    private const int Backlog = 4096;
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<BlynkConnection, Task> _running = [];
    private Socket? _plain;
    private Socket? _secured;

    /// <summary>Where it listens in the clear; null where it does not.</summary>
    public IPEndPoint? Address => (IPEndPoint?)_plain?.LocalEndPoint;

    /// <summary>Where it listens with TLS; null where it does not.</summary>
    public IPEndPoint? SecuredAddress => (IPEndPoint?)_secured?.LocalEndPoint;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _plain = Listen(settings.Blynk.Address, "BlynkPort");
        _secured = Listen(settings.Blynk.SecuredAddress, "BlynkTlsPort");
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        foreach (var connection in _running.Keys)
            connection.Close();
        await Task.WhenAll(_running.Values).WaitAsync(Goodbye, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        _plain?.Dispose();
        _secured?.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_plain is null && _secured is null)
            return;
        try
        {
            await Task.WhenAll(
                AcceptAsync(_plain, null, stoppingToken), AcceptAsync(_secured, certificate, stoppingToken), sessions.WatchAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            _plain?.Dispose();
            _secured?.Dispose();
        }
    }

    private Socket? Listen(IPEndPoint? address, string setting)
    {
        if (address is null)
            return null;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(address);
            socket.Listen(Backlog);
            Log.Listening(logger, socket.LocalEndPoint!, setting == "BlynkPort" ? "" : " with TLS");
            return socket;
        }
        catch (SocketException fault)
        {
            socket.Dispose();
            throw new SettingFault($"Setting {setting}: {address} cannot be listened on: {fault.Message}. Stop what listens there, or choose another port.");
        }
    }

    private async Task AcceptAsync(Socket? listener, ServerCertificate? shown, CancellationToken stopping)
    {
        while (listener is not null)
        {
            try
            {
                Begin(await listener.AcceptAsync(stopping), shown);
            }
            catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The client has gone already.
            }
            catch (SocketException fault)
            {
                // Such as that there are no more file descriptors.
                Log.NotTaken(logger, fault.Message);
                await Task.Delay(AfterFault, time, stopping);
            }
        }
    }

    private void Begin(Socket socket, ServerCertificate? shown)
    {
        try
        {
            socket.NoDelay = true;
        }
        catch (SocketException)
        {
            // It is gone already.
            socket.Dispose();
            return;
        }

        var connection = new BlynkConnection(socket, time);
        var running = new TaskCompletionSource();
        _running[connection] = running.Task;
        _ = Task.Run(async () =>
        {
            await RunAsync(connection, shown);
            _running.TryRemove(connection, out _);
            running.SetResult();
        });
    }

    private async Task RunAsync(BlynkConnection connection, ServerCertificate? shown)
    {
        try
        {
            await using (connection)
                await new BlynkSession(connection, sessions, pins, updates, lines, authentication, limits, time).RunAsync(shown);
        }
        catch (Exception fault) when (sessions.Ended(fault))
        {
            // The client went, or was let go of.
        }
#pragma warning disable CA1031 // Whatever it was ends this connection and no other.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Log.Failed(logger, fault);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Blynk clients are taken on {Address}{How}.")]
        public static partial void Listening(ILogger logger, EndPoint address, string how);

        [LoggerMessage(2, LogLevel.Warning, "A Blynk client could not be taken ({Reason}).")]
        public static partial void NotTaken(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Error, "A Blynk connection failed.")]
        public static partial void Failed(ILogger logger, Exception fault);
    }
}
