using System;

namespace Ota.Agent;

/// <summary>HTTP/1.1, one call at a time, the answer's body streamed. Redirects are never followed here.</summary>
internal interface IHttp
{
    /// <summary>Sends the call and returns as soon as the answer's headers are there, whatever its status.</summary>
    /// <exception cref="HttpFaultException">There was no answer: no route, refused, timed out, dropped.</exception>
    IHttpAnswer Send(HttpCall call);
}

/// <summary>An answer whose body is read at most once, front to back.</summary>
internal interface IHttpAnswer : IDisposable
{
    int Status { get; }

    /// <summary>The header's value, or null when it is absent. Names are compared without case.</summary>
    string Header(string name);

    /// <summary>Reads up to <paramref name="count"/> bytes of the body; 0 at its end.</summary>
    /// <exception cref="HttpFaultException">The body broke off before the length that was announced.</exception>
    int Read(byte[] buffer, int offset, int count);
}

/// <summary>One request.</summary>
internal sealed class HttpCall
{
    public string Method = "GET";
    public string Url;

    /// <summary>The Authorization header's value, or null to send none.</summary>
    public string Authorization;

    /// <summary>A JSON body, or null for none.</summary>
    public byte[] Body;

    /// <summary>First byte wanted (<c>Range: bytes=n-</c>), or 0 for the whole without a Range header.</summary>
    public int From;
}

/// <summary>The network failed; nothing is known about the request's fate.</summary>
internal sealed class HttpFaultException : Exception
{
    public HttpFaultException(string message)
        : base(message)
    {
    }
}
