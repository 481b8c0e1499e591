using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Ota.Agent;

namespace Ota.Virtual;

/// <summary>The agent's HTTP over one shared <see cref="HttpClient"/>, for all devices of a process.</summary>
internal sealed class NetworkHttp(HttpMessageInvoker client) : IHttp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private long _answers;
    private long _faults;

    /// <summary>
    /// Ends calls that are under way: they throw, and the device that made them is to be taken for off.
    /// </summary>
    public CancellationToken Stop { get; set; }

    /// <summary>Answers so far, whatever their status.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    /// <summary>Calls so far that got no answer.</summary>
    public long Faults => Interlocked.Read(ref _faults);

    /// <summary>A client as the agent needs it: no redirects, no cookies, no hidden decompression.</summary>
    public static HttpMessageInvoker CreateClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = Patience,
    });

    public IHttpAnswer Send(HttpCall call)
    {
        var stop = Stop;
        var stall = CancellationTokenSource.CreateLinkedTokenSource(stop);
        stall.CancelAfter(Patience);
        try
        {
            using var request = RequestFor(call);
            var response = client.Send(request, stall.Token);
            Interlocked.Increment(ref _answers);
            return new Answer(response, stall, stop);
        }
        catch (Exception fault) when (IsTransport(fault))
        {
            stall.Dispose();
            stop.ThrowIfCancellationRequested();
            Interlocked.Increment(ref _faults);
            throw new HttpFaultException(fault.Message);
        }
    }

    // An address that is none came from the server, so it is a fault of the transport as well.
    private static bool IsTransport(Exception fault) =>
        fault is HttpRequestException or SocketException or IOException or OperationCanceledException or ObjectDisposedException
            or UriFormatException or NotSupportedException or InvalidOperationException;

    private static HttpRequestMessage RequestFor(HttpCall call)
    {
        var request = new HttpRequestMessage(new HttpMethod(call.Method), call.Url) { Version = new Version(1, 1) };
        if (call.Authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", call.Authorization);
        if (call.From > 0)
            request.Headers.Range = new RangeHeaderValue(call.From, null);
        if (call.Body is not null)
        {
            request.Content = new ByteArrayContent(call.Body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", Encoding.UTF8.WebName);
        }

        return request;
    }

    private sealed class Answer : IHttpAnswer
    {
        private readonly HttpResponseMessage _response;
        private readonly CancellationTokenSource _stall;
        private readonly CancellationToken _stop;
        private readonly CancellationTokenRegistration _onStall;
        private Stream? _body;

        public Answer(HttpResponseMessage response, CancellationTokenSource stall, CancellationToken stop)
        {
            _response = response;
            _stall = stall;
            _stop = stop;

            // A synchronous read cannot be cancelled; closing what it reads from ends it.
            _onStall = stall.Token.Register(response.Dispose);
        }

        public int Status => (int)_response.StatusCode;

        public string? Header(string name)
        {
            if (_response.Headers.NonValidated.TryGetValues(name, out var values)
                || _response.Content.Headers.NonValidated.TryGetValues(name, out values))
                return values.ToString();
            return name == "Content-Length"
                ? _response.Content.Headers.ContentLength?.ToString(CultureInfo.InvariantCulture)
                : null;
        }

        public int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                _stall.CancelAfter(Patience);
                _body ??= _response.Content.ReadAsStream(_stop);
                return _body.Read(buffer, offset, count);
            }
            catch (Exception fault) when (IsTransport(fault))
            {
                _stop.ThrowIfCancellationRequested();
                throw new HttpFaultException(fault.Message);
            }
        }

        public void Dispose()
        {
            _onStall.Dispose();
            _stall.Dispose();
            _response.Dispose();
        }
    }
}
