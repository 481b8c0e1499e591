using System;
using System.IO;
using System.Net;
using System.Text;
using System.Threading;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>The page on the access point where a person hands over a network: one form, nothing else.</summary>
internal sealed class SetupPage
{
    private const int LongestForm = 2048;

    private const string Page =
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Wi-Fi setup</title>"
        + "<h1>Wi-Fi setup</h1><form method=post><p><label>Network <input name=ssid maxlength=32 required></label>"
        + "<p><label>Password <input name=password type=password maxlength=64></label>"
        + "<p><label>Owner <input name=owner maxlength=64></label><p><button>Connect</button></form>"
        + "<h2>Or from your supplier</h2><form method=post><p><label>Bundle <input name=bundle required></label>"
        + "<p><button>Connect</button></form>";

    private const string Thanks =
        "<!doctype html><meta charset=utf-8><title>Wi-Fi setup</title><p>Thank you. The device joins the network now.";

    private HttpListener _listener;
    private Provisioned _handed;

    /// <summary>True when something was handed over and not yet taken.</summary>
    public bool HasSomething => _handed != null;

    public void Open()
    {
        if (_listener != null)
            return;
        _listener = new HttpListener("http", 80, IPAddress.Parse(AccessPoint.Address));
        _listener.Start();
        new Thread(Serve).Start();
    }

    public void Close()
    {
        var listener = _listener;
        _listener = null;
        if (listener != null)
            listener.Stop();
    }

    public Provisioned Take()
    {
        var handed = _handed;
        _handed = null;
        return handed;
    }

    /// <summary>The network in a form as browsers send it, or null when it has none.</summary>
    public static Provisioned Read(string form)
    {
        var ssid = "";
        var password = "";
        var owner = "";
        string bundle = null;
        var pairs = form.Split(new[] { '&' });
        for (var i = 0; i < pairs.Length; i++)
        {
            var equals = pairs[i].IndexOf('=');
            if (equals < 0)
                continue;
            var value = Decode(pairs[i].Substring(equals + 1));
            switch (pairs[i].Substring(0, equals))
            {
                case "ssid":
                    ssid = value;
                    break;
                case "password":
                    password = value;
                    break;
                case "owner":
                    owner = value;
                    break;
                case "bundle":
                    bundle = value.Trim();
                    break;
            }
        }

        var provisioned = new Provisioned
        {
            Network = new Network { Ssid = ssid, Password = password }, Owner = owner, Bundle = bundle,
        };
        return provisioned.Fault() == null ? provisioned : null;
    }

    // application/x-www-form-urlencoded (WHATWG URL, §5.1).
    private static string Decode(string text)
    {
        var bytes = new byte[text.Length * 3];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var high = text[i] == '%' && i + 2 < text.Length ? Digit(text[i + 1]) : -1;
            var low = high < 0 ? -1 : Digit(text[i + 2]);
            if (low >= 0)
            {
                bytes[count++] = (byte)(high * 16 + low);
                i += 2;
            }
            else
            {
                bytes[count++] = text[i] == '+' ? (byte)' ' : (byte)text[i];
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, count);
    }

    private static int Digit(char c)
    {
        var lower = c | 0x20;
        return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    }

    private void Serve()
    {
        while (_listener != null)
        {
            try
            {
                var context = _listener.GetContext();
                if (context != null)
                    Answer(context);
            }
            catch (Exception)
            {
                // A phone that walks away, or the listener was stopped: either way the next one is waited for.
                Thread.Sleep(100);
            }
        }
    }

    private void Answer(HttpListenerContext context)
    {
        var request = context.Request;
        var page = Page;
        if (request.HttpMethod == "POST" && request.ContentLength64 > 0 && request.ContentLength64 <= LongestForm)
        {
            var form = new byte[(int)request.ContentLength64];
            var count = 0;
            int read;
            while (count < form.Length && (read = request.InputStream.Read(form, count, form.Length - count)) > 0)
                count += read;
            var provisioned = Read(Encoding.UTF8.GetString(form, 0, count));
            if (provisioned != null)
            {
                _handed = provisioned;
                page = Thanks;
            }
        }

        var body = Encoding.UTF8.GetBytes(page);
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.ContentLength64 = body.Length;
        context.Response.OutputStream.Write(body, 0, body.Length);
        context.Response.Close();
        context.Close();
    }
}
