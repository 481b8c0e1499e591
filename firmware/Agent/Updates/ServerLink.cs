using System;

namespace Ota.Agent;

/// <summary>The calls a device makes to its server, and what their answers mean as far as HTTP goes.</summary>
internal sealed class ServerLink
{
    /// <summary>
    /// Bytes of the longest answer that is read; the largest check-in answer is two JWS and an address.
    /// </summary>
    public const int LongestAnswer = 40 * 1024;

    /// <summary>Seconds an answer's body may take.</summary>
    private const int LongestReading = 60;

    private readonly AgentOptions _unit;
    private readonly IHttp _http;
    private readonly IClock _clock;

    public ServerLink(AgentOptions unit, IHttp http, IClock clock)
    {
        _unit = unit;
        _http = http;
        _clock = clock;
    }

    /// <summary>The identity the calls are made under; null before enrollment.</summary>
    public Identity Identity { get; set; }

    /// <exception cref="HttpFaultException">There was no answer.</exception>
    public IHttpAnswer Post(string path, byte[] body) => Send("POST", path, body);

    /// <exception cref="HttpFaultException">There was no answer.</exception>
    public IHttpAnswer Put(string path, byte[] body) => Send("PUT", path, body);

    /// <summary>
    /// Asks for an image from byte <paramref name="from"/> on. The token goes to the server itself only, never to where
    /// an absolute address or a redirect points.
    /// </summary>
    /// <exception cref="HttpFaultException">There was no answer.</exception>
    public IHttpAnswer Get(string address, int from)
    {
        var url = address.StartsWith("/") ? _unit.Server + address : address;
        var own = url.StartsWith(_unit.Server + "/");
        return _http.Send(new HttpCall { Url = url, Authorization = own ? Bearer() : null, From = from });
    }

    /// <summary>Patience with a body, or with a part of it, that takes this many seconds at the most.</summary>
    public Patience PatienceOf(int seconds) => new Patience(_clock, seconds);

    /// <summary>The whole body as JSON; null when it is too long or no JSON object, as a portal's page is.</summary>
    /// <exception cref="HttpFaultException">The body broke off, or took too long.</exception>
    public JsonObject ReadJson(IHttpAnswer answer)
    {
        var patience = PatienceOf(LongestReading);
        var length = Seconds(answer.Header("Content-Length"));
        if (length > LongestAnswer)
            return null;
        var body = new byte[length > 0 ? length : 4096];
        var count = 0;
        int read;
        while ((read = answer.Read(body, count, body.Length - count)) > 0)
        {
            count += read;
            patience.Check();
            if (count < body.Length)
                continue;
            if (count == length)
                break;
            if (count >= LongestAnswer)
                return null;
            var larger = new byte[count * 2 < LongestAnswer ? count * 2 : LongestAnswer];
            Array.Copy(body, 0, larger, 0, count);
            body = larger;
        }

        try
        {
            return JsonReader.ReadObject(body, count);
        }
        catch (JsonRefusedException)
        {
            return null;
        }
    }

    /// <summary>A header of decimal digits as a number up to 2³¹-1; -1 when it is absent or anything else.</summary>
    public static int Seconds(string header)
    {
        if (header == null || header.Length == 0 || header.Length > 10)
            return -1;
        long value = 0;
        for (var i = 0; i < header.Length; i++)
        {
            if (header[i] < '0' || header[i] > '9')
                return -1;
            value = value * 10 + header[i] - '0';
        }

        return value > int.MaxValue ? int.MaxValue : (int)value;
    }

    private IHttpAnswer Send(string method, string path, byte[] body) =>
        _http.Send(new HttpCall { Method = method, Url = _unit.Server + path, Authorization = Bearer(), Body = body });

    private string Bearer() => Identity == null ? null : "Bearer " + Identity.Device + "." + Identity.Token;
}
