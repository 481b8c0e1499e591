using System.Diagnostics;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>Two servers behind a balancer, on one PostgreSQL: a device, and staff, may meet either at any moment.</summary>
public abstract class OnTwoServers : IAsyncLifetime
{
    private protected RunningServer One { get; private set; } = null!;

    private protected RunningServer Two { get; private set; } = null!;

    private protected string EnrollmentKey { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        One = await RunningServer.OnPostgreSqlAsync();
        Two = await RunningServer.OnPostgreSqlAsync(One);
        EnrollmentKey = await One.AddProductAsync();
        await SeenAsync(() => FoundAsync(Two, "api/v1/products/kettle"));
    }

    public async ValueTask DisposeAsync()
    {
        await Two.DisposeAsync();
        await One.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static async Task<bool> FoundAsync(RunningServer server, string path)
    {
        using var answer = await server.Admin.GetAsync(path);
        return answer.IsSuccessStatusCode;
    }

    // Servers agree within a second; the machine that runs the tests may be busy.
    private protected static async Task SeenAsync(Func<Task<bool>> isSeen, int seconds = 20)
    {
        var waited = Stopwatch.StartNew();
        while (!await isSeen())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(seconds), $"not seen within {seconds} s");
            await Task.Delay(20);
        }
    }
}
