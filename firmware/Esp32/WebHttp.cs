using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// HTTP by HttpWebRequest, which on this platform follows no redirect and returns every status as an answer.
/// </summary>
internal sealed class WebHttp : IHttp
{
    private const int Patience = 30_000;

    private readonly X509Certificate _authority;

    /// <param name="certificate">The CA that the server's certificate must descend from; null without TLS.</param>
    public WebHttp(string certificate) => _authority = certificate == null ? null : new X509Certificate(certificate);

    public IHttpAnswer Send(HttpCall call)
    {
        HttpWebRequest request = null;
        try
        {
            request = (HttpWebRequest)WebRequest.Create(call.Url);
            request.Method = call.Method;
            request.KeepAlive = false;
            request.Timeout = Patience;
            request.ReadWriteTimeout = Patience;
            if (_authority != null)
                request.HttpsAuthentCert = _authority;
            if (call.Authorization != null)
                request.Headers.Add("Authorization", call.Authorization);
            if (call.From > 0)
                request.AddRange(call.From);
            if (call.Body != null)
                Send(request, call.Body);
            return new Answer(request, (HttpWebResponse)request.GetResponse());
        }
        catch (Exception fault)
        {
            if (request != null)
                request.Dispose();
            if (IsTransport(fault))
                throw new HttpFaultException(fault.Message);
            throw;
        }
    }

    // An address that is none came from the server, so it is a fault of the transport as well.
    private static bool IsTransport(Exception fault) =>
        fault is WebException || fault is SocketException || fault is IOException || fault is ArgumentException
        || fault is InvalidOperationException || fault is NotSupportedException || fault is ObjectDisposedException;

    private static void Send(HttpWebRequest request, byte[] body)
    {
        request.ContentType = "application/json";
        request.ContentLength = body.Length;
        using (var stream = request.GetRequestStream())
            stream.Write(body, 0, body.Length);
    }

    private sealed class Answer : IHttpAnswer
    {
        private readonly HttpWebRequest _request;
        private readonly HttpWebResponse _response;
        private readonly long _announced;
        private Stream _body;
        private long _read;

        public Answer(HttpWebRequest request, HttpWebResponse response)
        {
            _request = request;
            _response = response;
            _announced = ServerLink.Seconds(response.Headers["Content-Length"]);
        }

        public int Status => (int)_response.StatusCode;

        public string Header(string name) => _response.Headers[name];

        public int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                // The stream would wait for more behind the end of what was announced.
                if (_announced >= 0 && _announced - _read < count)
                    count = (int)(_announced - _read);
                if (count == 0)
                    return 0;
                if (_body == null)
                    _body = _response.GetResponseStream();
                var read = _body.Read(buffer, offset, count);
                if (read <= 0 && _announced > _read)
                    throw new HttpFaultException("the body broke off");
                _read += read;
                return read;
            }
            catch (Exception fault)
            {
                if (IsTransport(fault))
                    throw new HttpFaultException(fault.Message);
                throw;
            }
        }

        public void Dispose()
        {
            _response.Close();
            _request.Dispose();
        }
    }
}
