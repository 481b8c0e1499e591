using System.Net.Sockets;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Ota.Cli.Session;

namespace Ota.Cli.Api;

/// <summary>An answer and whether it made something new (201) or found it there (200).</summary>
internal sealed record Answer<T>(T Body, bool Created);

/// <summary>
/// The staff API (docs/protocol.md §4): typed JSON in and out, every refusal a <see cref="FailureException"/>. Reads are bounded, since
/// what answers at an address need not be our server.
/// </summary>
internal sealed class OtaApi : IDisposable
{
    private const int MostErrorBytes = 64 * 1024;
    private const int MostAnswerBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);
    private readonly HttpClient _client;

    public OtaApi(Connection connection)
    {
        Server = connection.Server;
        // A redirect is not followed: it would carry the staff key or an upload to an address nobody named.
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10) })
        {
            BaseAddress = Server,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("ota", typeof(OtaApi).Assembly.GetName().Version!.ToString(3)));
        _client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", connection.StaffKey);
    }

    /// <summary>The address all paths are relative to.</summary>
    public Uri Server { get; }

    public async Task<T> GetAsync<T>(ApiPath path, CancellationToken cancellation) =>
        (await JsonAsync<T>(new HttpRequestMessage(HttpMethod.Get, path.ToString()), cancellation)).Body;

    public Task<Answer<T>> PostAsync<T>(ApiPath path, CancellationToken cancellation) =>
        JsonAsync<T>(new HttpRequestMessage(HttpMethod.Post, path.ToString()), cancellation);

    public Task<Answer<T>> PostAsync<TBody, T>(ApiPath path, TBody body, CancellationToken cancellation) =>
        JsonAsync<T>(new HttpRequestMessage(HttpMethod.Post, path.ToString()) { Content = Json(body) }, cancellation);

    public async Task<T> PutAsync<TBody, T>(ApiPath path, TBody body, CancellationToken cancellation) =>
        (await JsonAsync<T>(new HttpRequestMessage(HttpMethod.Put, path.ToString()) { Content = Json(body) }, cancellation)).Body;

    public async Task<T> DeleteAsync<T>(ApiPath path, CancellationToken cancellation) =>
        (await JsonAsync<T>(new HttpRequestMessage(HttpMethod.Delete, path.ToString()), cancellation)).Body;

    /// <summary>Sends a compact JWS, byte for byte.</summary>
    public Task<Answer<T>> PostJoseAsync<T>(ApiPath path, string compact, CancellationToken cancellation)
    {
        var content = new ByteArrayContent(Encoding.ASCII.GetBytes(compact));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/jose");
        return JsonAsync<T>(new HttpRequestMessage(HttpMethod.Post, path.ToString()) { Content = content }, cancellation);
    }

    /// <summary>Reads a compact JWS, at most <paramref name="most"/> bytes.</summary>
    public async Task<string> GetJoseAsync(ApiPath path, int most, CancellationToken cancellation)
    {
        using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        watch.CancelAfter(Patience);
        using var request = new HttpRequestMessage(HttpMethod.Get, path.ToString());
        var (_, body) = await SendAsync(request, most, watch, cancellation);
        return Encoding.ASCII.GetString(body);
    }

    /// <summary>Uploads with no limit on the whole, but never more than <see cref="Patience"/> without a byte moving.</summary>
    /// <param name="body">Makes the content; what it is given reports bytes sent.</param>
    public async Task<Answer<T>> UploadAsync<T>(
        ApiPath path, Func<IProgress<long>, HttpContent> body, IProgress<long>? progress, CancellationToken cancellation)
    {
        using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        watch.CancelAfter(Patience);
        using var request = new HttpRequestMessage(HttpMethod.Post, path.ToString());
        request.Content = body(new Watchdog(watch, progress));
        // Lets the server refuse the key or the release before the image is on its way.
        request.Headers.ExpectContinue = true;
        var (status, answer) = await SendAsync(request, MostAnswerBytes, watch, cancellation);
        return Read<T>(status, answer);
    }

    public void Dispose() => _client.Dispose();

    private static ByteArrayContent Json<T>(T body)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, OtaJson.Wire<T>()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private async Task<Answer<T>> JsonAsync<T>(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        watch.CancelAfter(Patience);
        using (request)
        {
            var (status, body) = await SendAsync(request, MostAnswerBytes, watch, cancellation);
            return Read<T>(status, body);
        }
    }

    private Answer<T> Read<T>(HttpStatusCode status, byte[] body)
    {
        try
        {
            if (JsonSerializer.Deserialize(body, OtaJson.Wire<T>()) is { } read)
                return new Answer<T>(read, status == HttpStatusCode.Created);
        }
        catch (JsonException)
        {
            // Said below: a page that is not ours and a shape we do not know are the same to the caller.
        }

        throw FailureException.UnexpectedAnswer(
            $"The server answered {(int)status} but not in the words of an Ota server; is {Server} the right address, and is "
            + "this ota as new as the server?",
            (int)status);
    }

    private async Task<(HttpStatusCode Status, byte[] Body)> SendAsync(
        HttpRequestMessage request, int most, CancellationTokenSource watch, CancellationToken cancellation)
    {
        try
        {
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, watch.Token);
            if (!response.IsSuccessStatusCode)
                throw Refusal(response, await BodyAsync(response, MostErrorBytes, watch.Token));
            return await BodyAsync(response, most, watch.Token) is { } body
                ? (response.StatusCode, body)
                : throw FailureException.UnexpectedAnswer(
                    $"The server's answer is longer than {most:N0} bytes; is {Server} the right address?", (int)response.StatusCode);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw FailureException.Unreachable(
                $"The server at {Server} has not moved a byte for {Patience.TotalSeconds} s; try again when it is less busy.");
        }
        catch (Exception fault) when (fault is HttpRequestException or SocketException or IOException)
        {
            var reason = (fault.InnerException ?? fault).Message.TrimEnd('.');
            throw FailureException.Unreachable(
                $"Cannot reach the server at {Server}: {reason}. Check that it runs and that the address is right "
                + "(--server, OTA_SERVER or 'ota login').");
        }
    }

    private FailureException Refusal(HttpResponseMessage response, byte[]? body)
    {
        var status = (int)response.StatusCode;
        if (ProblemDocument.Read(body) is { } problem)
        {
            if (problem.Type == "urn:ota:problem:staff-key")
            {
                return FailureException.Refused(
                    problem.Type, $"The staff key is wrong or was revoked, says {Server}; run 'ota login' with one that is good.", null, status);
            }

            var title = problem.Title ?? problem.Detail!;
            var later = response.Headers.RetryAfter?.Delta is { } wait ? $"Try again in {wait.TotalSeconds:0} s." : "";
            // Our server says it itself.
            var detail = problem.Detail?.EndsWith(later, StringComparison.Ordinal) == true ? problem.Detail : $"{problem.Detail} {later}".Trim();
            return FailureException.Refused(problem.Type ?? "about:blank", title, detail, status);
        }

        var said = $"The server answered {status} {response.ReasonPhrase}".TrimEnd();
        return FailureException.UnexpectedAnswer(
            response.Headers.Location is { } location
                ? $"{said} and points to {location}; if that is your server, give that address with --server."
                : status == (int)HttpStatusCode.Unauthorized
                    ? $"{said}: the staff key is not accepted; log in again with 'ota login'."
                    : $"{said} without saying why; is {Server} the right address, and does a proxy stand before it?",
            status);
    }

    /// <summary>Null when the body is longer than <paramref name="most"/> bytes.</summary>
    private static async Task<byte[]?> BodyAsync(HttpResponseMessage response, int most, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var body = new MemoryStream();
        var piece = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(piece, cancellation)) > 0)
        {
            if (body.Length + read > most)
                return null;
            body.Write(piece, 0, read);
        }

        return body.ToArray();
    }

    private sealed class Watchdog(CancellationTokenSource watch, IProgress<long>? inner) : IProgress<long>
    {
        public void Report(long value)
        {
            watch.CancelAfter(Patience);
            inner?.Report(value);
        }
    }
}
