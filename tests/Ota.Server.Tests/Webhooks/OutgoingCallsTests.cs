using System.Net;
using System.Net.Sockets;
using Ota.Server.Http;

namespace Ota.Server.Tests.Webhooks;

public sealed class OutgoingCallsTests
{
    [Fact]
    public async Task A_receiver_that_cuts_each_connection_as_soon_as_it_stands_is_one_that_does_not_answer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var stop = new CancellationTokenSource();
        var cutting = CutAsync(listener, stop.Token);
        using var calls = new OutgoingCalls(TimeProvider.System);
        for (var i = 0; i < 500; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{listener.LocalEndpoint}/") { Content = new StringContent("{}") };
            Assert.StartsWith("no answer (", await calls.SendAsync(request, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        await stop.CancelAsync();
        await cutting;
    }

    // With a reset: the other side may find its connection gone before it has looked at it.
    private static async Task CutAsync(TcpListener listener, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using var connection = await listener.AcceptSocketAsync(stop);
                connection.LingerState = new LingerOption(true, 0);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }
}
