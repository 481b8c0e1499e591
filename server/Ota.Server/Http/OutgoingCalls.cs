using System.Globalization;
using System.Net.Sockets;

namespace Ota.Server.Http;

/// <summary>Calls to addresses that staff named, told as done or as what went wrong in a few words that hold no address.</summary>
internal sealed class OutgoingCalls(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        // A redirect would carry what is told to an address that nobody named.
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = Patience,
        MaxResponseHeadersLength = 16,
        // The body is not read; what of it is on its way is drained up to here, and beyond the connection is closed.
        MaxResponseDrainSize = 16 * 1024,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    });

    /// <summary>Null when it was taken.</summary>
    public async Task<string?> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        request.Headers.TryAddWithoutValidation("User-Agent", "ota-server");
        try
        {
            using var answer = await _client.SendAsync(request, either.Token);
            return answer.IsSuccessStatusCode ? null : string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)answer.StatusCode}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"no answer within {Patience.TotalSeconds:0} s";
        }
        catch (HttpRequestException fault)
        {
            return $"no answer ({fault.HttpRequestError})";
        }
        catch (SocketException fault)
        {
            // One that is cut as soon as it stands comes bare.
            return $"no answer ({fault.SocketErrorCode})";
        }
    }

    public void Dispose() => _client.Dispose();
}
