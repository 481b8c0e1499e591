using System.Text;

namespace Ota.Agent;

/// <summary>
/// The virtual pins (docs/protocol.md §8), served between two turns of the agent: hands the application what apps wrote
/// and the server what the application wrote. Nothing of it is stored: after a start the server says the last values
/// again. An error means nothing but to ask later.
/// </summary>
internal sealed class PinLine
{
    public const int Highest = 255;

    /// <summary>Bytes of the longest value.</summary>
    public const int LongestValue = 1024;

    private const int MostWritesAtOnce = 8;
    private const int AfterFault = 30;
    private const int AfterHasty = 5;
    private const int LongestPause = 3600;

    private readonly ServerLink _server;
    private readonly IClock _clock;
    private readonly Journal _journal;
    private readonly IPins _application;
    private PinWrite _unsent;
    private long _after;
    private long _notBefore;

    /// <param name="application">Null when nobody but the agent itself wants to hear of pins.</param>
    public PinLine(ServerLink server, IClock clock, Journal journal, IPins application)
    {
        _server = server;
        _clock = clock;
        _journal = journal;
        _application = application;
    }

    /// <summary>Sends and listens for up to <paramref name="wait"/> seconds; true when the device was told to check in now.</summary>
    public bool Serve(int wait)
    {
        if (_server.Identity == null || _clock.Uptime < _notBefore)
            return false;
        try
        {
            return Send() && wait > 0 && Listen(wait);
        }
        catch (HttpFaultException)
        {
            Pause(AfterFault);
            return false;
        }
    }

    // False when the server wants to be left alone for a while; what it did not take is sent again.
    private bool Send()
    {
        for (var sent = 0; _application != null && sent < MostWritesAtOnce; sent++)
        {
            if (_unsent == null)
                _unsent = _application.Next();
            if (_unsent == null)
                return true;
            var body = new JsonWriter().Begin().Text("value", _unsent.Value).End().ToUtf8();
            using (var answer = _server.Put("/agent/v1/pins/" + _unsent.Pin.ToString(), body))
            {
                // A write that the server will never take must not stand before all that follow.
                if (answer.Status == 400 || answer.Status == 413 || answer.Status == 422)
                    _journal.Note("pin " + _unsent.Pin.ToString() + " was refused");
                else if (answer.Status != 204)
                    return Failed(answer);
            }

            _unsent = null;
        }

        return true;
    }

    private bool Listen(int wait)
    {
        var began = _clock.Uptime;
        using (var answer = _server.Get("/agent/v1/pins?after=" + _after.ToString() + "&wait=" + wait.ToString(), 0))
        {
            if (answer.Status == 200)
                return Read(_server.ReadJson(answer));
            if (answer.Status != 204)
                return Failed(answer);
        }

        // Whoever answers "nothing" at once, a portal or a server that stops, is not asked in a circle.
        if (_clock.Uptime - began < wait / 2)
            Pause(AfterHasty);
        return false;
    }

    private bool Read(JsonObject json)
    {
        var asked = false;
        try
        {
            if (json == null)
                throw new JsonRefusedException("no JSON");
            var seq = json.Number("seq", 1, long.MaxValue);
            var writes = json.Array("writes", 0, 256);
            for (var i = 0; i < writes.Count; i++)
            {
                if (!(writes[i] is JsonObject write))
                    throw new JsonRefusedException("no write");
                var pin = (int)write.Number("pin", 0, Highest);
                var value = write.Text("value");
                var system = write.OptionalText("system");
                if (system == "check-now")
                    asked = true;
                else if (system == null && _application != null)
                    _application.Written(pin, value);
            }

            _after = seq;
        }
        catch (JsonRefusedException)
        {
            Pause(AfterFault);
            return asked;
        }

        if (asked)
        {
            // Once a second at the most, whoever writes.
            Pause(1);
            _journal.Note("told to check in now");
        }

        return asked;
    }

    private bool Failed(IHttpAnswer answer)
    {
        var asked = ServerLink.Seconds(answer.Header("Retry-After"));
        Pause(asked < 1 ? AfterFault : asked > LongestPause ? LongestPause : asked);
        return false;
    }

    private void Pause(int seconds) => _notBefore = _clock.Uptime + seconds;

    /// <summary>True when this may be written to a pin.</summary>
    public static bool IsValue(string value)
    {
        if (value == null || value.Length > LongestValue || Encoding.UTF8.GetBytes(value).Length > LongestValue)
            return false;
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] < ' ' || (value[i] >= 0x7f && value[i] < 0xa0))
                return false;
        }

        return true;
    }
}
