// Signatures only, of what the firmware uses from System.Net.Http; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.5.210.0")]

namespace System.Net
{
    public class HttpListener
    {
        public System.Net.HttpListenerContext GetContext() => throw null;
        public HttpListener(string p0, int p1, System.Net.IPAddress p2) => throw null;
        public void Start() => throw null;
        public void Stop() => throw null;
        internal HttpListener() => throw null;
    }

    public class HttpListenerContext
    {
        public void Close() => throw null;
        public System.Net.HttpListenerRequest Request { get => throw null; }
        public System.Net.HttpListenerResponse Response { get => throw null; }
        internal HttpListenerContext() => throw null;
    }

    public class HttpListenerRequest
    {
        public System.IO.Stream InputStream { get => throw null; }
        public long ContentLength64 { get => throw null; }
        public string HttpMethod { get => throw null; }
        internal HttpListenerRequest() => throw null;
    }

    public sealed class HttpListenerResponse : System.IDisposable
    {
        public void Close() => throw null;
        public System.IO.Stream OutputStream { get => throw null; }
        public long ContentLength64 { set => throw null; }
        public string ContentType { set => throw null; }
        internal HttpListenerResponse() => throw null;
        void System.IDisposable.Dispose() => throw null;
    }

    public enum HttpStatusCode
    {
        Continue = 100,
        SwitchingProtocols = 101,
        OK = 200,
        Created = 201,
        Accepted = 202,
        NonAuthoritativeInformation = 203,
        NoContent = 204,
        ResetContent = 205,
        PartialContent = 206,
        MultipleChoices = 300,
        Ambiguous = 300,
        MovedPermanently = 301,
        Moved = 301,
        Found = 302,
        Redirect = 302,
        SeeOther = 303,
        RedirectMethod = 303,
        NotModified = 304,
        UseProxy = 305,
        Unused = 306,
        TemporaryRedirect = 307,
        RedirectKeepVerb = 307,
        BadRequest = 400,
        Unauthorized = 401,
        PaymentRequired = 402,
        Forbidden = 403,
        NotFound = 404,
        MethodNotAllowed = 405,
        NotAcceptable = 406,
        ProxyAuthenticationRequired = 407,
        RequestTimeout = 408,
        Conflict = 409,
        Gone = 410,
        LengthRequired = 411,
        PreconditionFailed = 412,
        RequestEntityTooLarge = 413,
        RequestUriTooLong = 414,
        UnsupportedMediaType = 415,
        RequestedRangeNotSatisfiable = 416,
        ExpectationFailed = 417,
        InternalServerError = 500,
        NotImplemented = 501,
        BadGateway = 502,
        ServiceUnavailable = 503,
        GatewayTimeout = 504,
        HttpVersionNotSupported = 505,
    }

    public class HttpWebRequest : System.Net.WebRequest
    {
        public void AddRange(int p0) => throw null;
        public System.Security.Cryptography.X509Certificates.X509Certificate HttpsAuthentCert { set => throw null; }
        public bool KeepAlive { set => throw null; }
        public int ReadWriteTimeout { set => throw null; }
        internal HttpWebRequest() => throw null;
    }

    public class HttpWebResponse : System.Net.WebResponse
    {
        public System.Net.HttpStatusCode StatusCode { get => throw null; }
        internal HttpWebResponse() => throw null;
    }

    public class WebException : System.InvalidOperationException
    {
        public WebException() => throw null;
    }

    public class WebHeaderCollection
    {
        public WebHeaderCollection() => throw null;
        public void Add(string p0, string p1) => throw null;
        public string this[string p0] { get => throw null; }
    }

    public abstract class WebRequest : System.MarshalByRefObject, System.IDisposable
    {
        public virtual System.IO.Stream GetRequestStream() => throw null;
        public static System.Net.WebRequest Create(string p0) => throw null;
        public virtual System.Net.WebResponse GetResponse() => throw null;
        protected WebRequest() => throw null;
        public void Dispose() => throw null;
        public virtual System.Net.WebHeaderCollection Headers { get => throw null; }
        public virtual long ContentLength { set => throw null; }
        public virtual string ContentType { set => throw null; }
        public virtual string Method { set => throw null; }
        public virtual int Timeout { set => throw null; }
    }

    public abstract class WebResponse : System.MarshalByRefObject, System.IDisposable
    {
        public virtual System.IO.Stream GetResponseStream() => throw null;
        protected WebResponse() => throw null;
        public virtual void Close() => throw null;
        public virtual System.Net.WebHeaderCollection Headers { get => throw null; }
        void System.IDisposable.Dispose() => throw null;
    }
}
