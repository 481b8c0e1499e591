using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

/// <summary>A real Kestrel on a port of its own that serves one image at <c>/image</c>.</summary>
internal sealed class ImageServer : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly WebApplication _app;
    private readonly Complaints _complaints = new();
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ImageServer(Func<string, IImageStore> open)
    {
        Store = open(_folder.Path);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(_complaints);
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(async context =>
        {
            // Completed runs after Kestrel, too, is done with the request.
            context.Response.OnCompleted(() =>
            {
                _answered.TrySetResult();
                return Task.CompletedTask;
            });
            await ImageEndpoints.ServeAsync(context, Store, Image);
        });
    }

    public IImageStore Store { get; }

    /// <summary>What the server takes the image for.</summary>
    public StoredImage Image { get; set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Ends when the server is done with its first request.</summary>
    public Task Answered => _answered.Task;

    /// <summary>Whatever was logged as a warning or worse.</summary>
    public IReadOnlyCollection<string> Logged => _complaints.Lines;

    /// <param name="open">Makes the store, given a folder for it.</param>
    /// <param name="bytes">The image.</param>
    public static async Task<ImageServer> ServingAsync(Func<string, IImageStore> open, byte[] bytes)
    {
        var server = new ImageServer(open);
        await server.Store.PrepareAsync(default);
        var result = await server.Store.StageAsync(new MemoryStream(bytes), AnImage.Describe(bytes), bytes.Length, default);
        await using (var staged = result.Image!)
            server.Image = await server.Store.CommitAsync(staged, default);
        await server._app.StartAsync();
        server.Client = new HttpClient { BaseAddress = new Uri(server._app.Urls.Single() + "/image") };
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    private sealed class Complaints : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Lines.Enqueue(formatter(state, exception) + exception);
        }

        public void Dispose()
        {
        }
    }
}
