using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>A server of its own for each test, to be opened in a browser; skipped where there is none.</summary>
public abstract class OnARunningServer : IAsyncLifetime
{
    private protected RunningServer Server { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        Server = await RunningServer.StartAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (Server is not null)
            await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
