using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Pins;
using Ota.Server.Products;

namespace Ota.Server.Dialects.Blynk;

/// <summary>What is said with one client: a login, and then pins both ways until one of the two ends it.</summary>
internal sealed class BlynkSession(
    BlynkConnection connection, BlynkSessions sessions, BlynkPins pins, BlynkUpdates updates, PinLines lines, DeviceAuthentication authentication,
    CallLimits limits, TimeProvider time)
{
    /// <summary>A client says within this who it is.</summary>
    private static readonly TimeSpan Stranger = TimeSpan.FromSeconds(5);

    private const int MostWrites = 8;
    private Task _telling = Task.CompletedTask;
    private BlynkHello _hello = BlynkHello.Usual;
    private Caller _caller;
    private volatile Device? _device;
    private int _lastId;
    private BlynkPush? _pushed;
    private DateTimeOffset _askAt = DateTimeOffset.MaxValue;

    public BlynkConnection Connection => connection;

    /// <summary>Null until it is logged in.</summary>
    public Device? Device => _device;

    /// <summary>True when it may no longer be here.</summary>
    public bool IsOver => connection.IsDead || IsRevoked;

    private bool IsRevoked => Device is { } device && (_caller.IsStale || device.Decommissioned is not null);

    /// <param name="certificate">Null in the clear.</param>
    public async Task RunAsync(ServerCertificate? certificate)
    {
        connection.Silence = Stranger;
        if (sessions.Meet(this) is { } oldest)
            oldest.Connection.Close();
        try
        {
            if (certificate is not null)
                await connection.SecureAsync(certificate.Options);
            await foreach (var frame in connection.FramesAsync(connection.Over))
            {
                if (!await (Device is null ? LogInAsync(frame) : TakeAsync(frame)))
                    return;
            }
        }
        finally
        {
            sessions.Leave(this);
            connection.Close();
            await _telling;
        }
    }

    private async Task<bool> LogInAsync(BlynkFrame frame)
    {
        if (frame.Command is not (BlynkCommand.HardwareLogin or BlynkCommand.Login))
        {
            await connection.RespondAsync(frame.Id, BlynkStatus.NotAuthenticated);
            return false;
        }

        var token = BlynkBody.Fields(frame.Body.Span, 2)[0];
        if (await authentication.AuthenticateBlynkAsync(token, connection.Over) is not { Device.Decommissioned: null } caller)
        {
            await connection.RespondAsync(frame.Id, limits.TakeRefused(connection.Remote) is null ? BlynkStatus.InvalidToken : BlynkStatus.QuotaLimit);
            return false;
        }

        if (!limits.Admits(caller.Device))
        {
            await connection.RespondAsync(frame.Id, BlynkStatus.QuotaLimit);
            return false;
        }

        // Before it is answered: what is written from then on reaches it.
        var after = pins.Present(caller.Device);
        // In this order: who watches looks at the caller of a known device only.
        _caller = caller;
        _device = caller.Device;
        connection.Silence = _hello.Silence;
        if (sessions.Enter(this) is { } before)
            before.Connection.Close();
        await connection.RespondAsync(frame.Id, BlynkStatus.Ok);
        _telling = TellAsync(after);
        return true;
    }

    private async Task<bool> TakeAsync(BlynkFrame frame)
    {
        if (IsRevoked)
            return false;
        switch (frame.Command)
        {
            case BlynkCommand.Response:
                return true;
            case BlynkCommand.Ping:
                await connection.RespondAsync(frame.Id, BlynkStatus.Ok);
                // It may stay for months; a device without a connection would come by itself.
                return _askAt > time.GetUtcNow() || await AskAsync();
            case BlynkCommand.Internal:
                return await TakeInternalAsync(frame);
            case BlynkCommand.Hardware:
                return await TakeWriteAsync(frame);
            case BlynkCommand.Sync:
                return await SyncAsync(frame);
            case BlynkCommand.Event:
                var said = BlynkBody.Fields(frame.Body.Span, 2);
                return await AnsweredAsync(frame.Id, await pins.LogAsync(_caller, said[0], said.Length > 1 ? said[1] : ""), BlynkStatus.Ok);
            default:
                await connection.RespondAsync(frame.Id, BlynkStatus.IllegalCommand);
                return true;
        }
    }

    private async Task<bool> TakeInternalAsync(BlynkFrame frame)
    {
        var hello = BlynkHello.Of(BlynkBody.Fields(frame.Body.Span));
        await connection.RespondAsync(frame.Id, BlynkStatus.Ok);
        if (hello is null)
            return true;
        _hello = hello;
        connection.Silence = _hello.Silence;
        _pushed = null;
        return await AskAsync();
    }

    /// <summary>Asks for the client and pushes what it is to fetch; false when the session is over with this.</summary>
    private async Task<bool> AskAsync()
    {
        // What was fetched since is being installed, and what it runs then its next connection says.
        if (!BlynkUpdates.Concerns(_caller.Device) || _pushed is { IsTaken: true })
            return true;
        if (await updates.AskAsync(_caller, _hello, connection.Local) is not var (push, askAgain))
            return false;
        _askAt = time.GetUtcNow() + askAgain;
        _pushed = push;
        if (push is not null)
            await connection.SendAsync(BlynkCommand.Internal, NextId(), push.Body);
        return true;
    }

    private async Task<bool> TakeWriteAsync(BlynkFrame frame)
    {
        var fields = BlynkBody.Fields(frame.Body.Span, 3);
        return fields is ["vw", var pin, var values] && PinPolicy.Number(pin) is { } number
            ? await AnsweredAsync(frame.Id, await pins.WriteByDeviceAsync(_caller, number, BlynkBody.Kept(values)), taken: null)
            : await AnsweredAsync(frame.Id, BlynkRefusal.Value, taken: null);
    }

    /// <summary>Tells the pins that it asks for, or with an empty body all of the user's.</summary>
    private async Task<bool> SyncAsync(BlynkFrame frame)
    {
        if (!pins.Line(_caller.Device).Reads.TryTake())
            return await AnsweredAsync(frame.Id, BlynkRefusal.TooMany, taken: null);
        if (frame.Body.IsEmpty)
        {
            foreach (var (number, value) in pins.ReadAll(_caller.Device))
                await WriteAsync(frame.Id, number, value);
            return true;
        }

        var fields = BlynkBody.Fields(frame.Body.Span);
        var asked = fields.Skip(1).Select(PinPolicy.Number).Distinct().ToArray();
        if (fields[0] != "vr" || asked.Length == 0 || asked.Any(number => number is null))
            return await AnsweredAsync(frame.Id, BlynkRefusal.Value, taken: null);
        foreach (var number in asked.OfType<int>())
        {
            if (pins.Read(_caller.Device, number) is { } value)
                await WriteAsync(frame.Id, number, value);
        }

        return true;
    }

    /// <summary>False when the session is over with this.</summary>
    /// <param name="taken">What is answered when it was taken; null for nothing.</param>
    private async ValueTask<bool> AnsweredAsync(ushort id, BlynkRefusal? refusal, BlynkStatus? taken)
    {
        BlynkStatus? status = refusal switch
        {
            null => taken,
            BlynkRefusal.TooMany => BlynkStatus.QuotaLimit,
            BlynkRefusal.Token => BlynkStatus.InvalidToken,
            _ => BlynkStatus.IllegalCommand,
        };
        if (status is { } told)
            await connection.RespondAsync(id, told);
        return refusal != BlynkRefusal.Token;
    }

    // What apps write, as it comes.
    private async Task TellAsync(long after)
    {
        try
        {
            while (true)
            {
                var rows = await lines.NextAsync(_caller.Device, PinReader.Blynk, after, Timeout.InfiniteTimeSpan, MostWrites, connection.Over);
                // Nothing comes only when this is over.
                if (rows.Count == 0 || IsRevoked)
                    return;
                foreach (var row in rows)
                {
                    if (PinPolicy.System(row.Kept) == SystemPin.CheckNow && BlynkUpdates.Concerns(_caller.Device))
                        await CheckAsync();
                    if (PinPolicy.Shown(row.Kept, pins.System(_caller.Device)) is { } number)
                        await WriteAsync(NextId(), number, row.Value);
                }

                after = rows[^1].Seq;
            }
        }
        catch (Exception fault) when (sessions.Ended(fault))
        {
            // Its client comes again and asks for what it missed.
        }
        finally
        {
            connection.Close();
        }
    }

    private async Task CheckAsync()
    {
        await updates.CheckingAsync(_caller.Device);
        if (!await AskAsync())
            connection.Close();
    }

    // A client that is sent more than it can hold would have to hang up: it goes without.
    private ValueTask WriteAsync(ushort id, int number, string value) =>
        BlynkBody.Write(number, value) is var body && body.Length <= _hello.Buffer
            ? connection.SendAsync(BlynkCommand.Hardware, id, body)
            : ValueTask.CompletedTask;

    // Both loops ask for one.
    private ushort NextId() => (ushort)((uint)Interlocked.Increment(ref _lastId) % ushort.MaxValue + 1);
}
