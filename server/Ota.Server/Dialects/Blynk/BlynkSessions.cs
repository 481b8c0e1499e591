using System.Collections.Concurrent;
using System.Data.Common;
using Ota.Server.Data;
using Ota.Server.Devices;

namespace Ota.Server.Dialects.Blynk;

/// <summary>Who is connected by Blynk's protocol: one session a device, and so many strangers.</summary>
internal sealed partial class BlynkSessions(TimeProvider time, ILogger<BlynkSessions> logger)
{
    /// <summary>Connections that have not said who they are; beyond, the oldest must go: who means well is done within a moment.</summary>
    public const int MostStrangers = 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, BlynkSession> _byDevice = new(StringComparer.Ordinal);
    private readonly LinkedList<BlynkSession> _strangers = [];

    public bool IsConnected(Device device) => _byDevice.ContainsKey(device.Id);

    /// <summary>A connection has come; the stranger who must go for it, if there are too many.</summary>
    public BlynkSession? Meet(BlynkSession session)
    {
        lock (_strangers)
        {
            _strangers.AddLast(session);
            if (_strangers.Count <= MostStrangers)
                return null;
            var oldest = _strangers.First!.Value;
            _strangers.RemoveFirst();
            return oldest;
        }
    }

    /// <summary>A stranger has logged in; the session of the same device before it, which is over.</summary>
    public BlynkSession? Enter(BlynkSession session)
    {
        lock (_strangers)
            _strangers.Remove(session);
        BlynkSession? before = null;
        _byDevice.AddOrUpdate(session.Device!.Id, session, (_, there) =>
        {
            before = there;
            return session;
        });
        return before;
    }

    public void Leave(BlynkSession session)
    {
        if (session.Device is { } device)
        {
            _byDevice.TryRemove(new KeyValuePair<string, BlynkSession>(device.Id, session));
            return;
        }

        lock (_strangers)
            _strangers.Remove(session);
    }

    /// <summary>Ends what has been silent for too long, or whose token was revoked, until stopping.</summary>
    public async Task WatchAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            BlynkSession[] strangers;
            lock (_strangers)
                strangers = [.. _strangers];
            foreach (var session in strangers.Concat(_byDevice.Values).Where(session => session.IsOver))
                session.Connection.Close();
        }
    }

    /// <summary>True for what ends a session and harms nobody else; a database that does not answer is logged.</summary>
    public bool Ended(Exception fault)
    {
        if (fault is DbException)
            Log.NoDatabase(logger, fault.Message);
        return fault is IOException or System.Net.Sockets.SocketException or OperationCanceledException or ObjectDisposedException
            or System.Security.Authentication.AuthenticationException or DbException or StaleException;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A Blynk client was let go of, as the database does not answer: {Reason}")]
        public static partial void NoDatabase(ILogger logger, string reason);
    }
}
