using System.Net.Sockets;
using System.Security.Authentication;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;

namespace Ota.Server.Images;

/// <summary>The connection to a container of Azure Blob Storage, and what its faults mean.</summary>
internal static class BlobConnection
{
    /// <param name="account">A connection string, or the URI of the blob service with a SAS token in its query.</param>
    /// <param name="container">The container's name.</param>
    /// <exception cref="FormatException">It is neither. What was given is not repeated: it is a secret.</exception>
    public static BlobContainerClient To(string account, string container)
    {
        try
        {
            return account.StartsWith("http:", StringComparison.OrdinalIgnoreCase)
                || account.StartsWith("https:", StringComparison.OrdinalIgnoreCase)
                ? new BlobServiceClient(new Uri(account), Options()).GetBlobContainerClient(container)
                : new BlobContainerClient(account, container, Options());
        }
        catch (Exception fault) when (fault is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException("Neither a connection string nor an address.");
        }
    }

    /// <summary>What a fault of the storage's client means, in words without secrets; null when it is none.</summary>
    public static StorageUnavailableException? Explain(Exception fault, CancellationToken cancellation) => fault switch
    {
        _ when cancellation.IsCancellationRequested => null,
        RequestFailedException { Status: > 0 } answered =>
            new($"Azure Blob Storage answered {answered.Status} {answered.ErrorCode}".TrimEnd()),
        // Of the upload's own file, not of the storage.
        FileNotFoundException => null,
        RequestFailedException or AggregateException or OperationCanceledException or IOException or SocketException =>
            new($"Azure Blob Storage does not answer ({Innermost(fault)})"),
        _ => null,
    };

    private static string Innermost(Exception fault)
    {
        for (Exception? cause = fault; cause is not null; cause = Cause(cause))
        {
            if (cause is SocketException or AuthenticationException)
                return cause.Message.TrimEnd('.');
        }

        return fault is OperationCanceledException ? "timed out" : "the connection broke";
    }

    private static Exception? Cause(Exception fault) =>
        fault is AggregateException { InnerExceptions: [.., var last] } ? last : fault.InnerException;

    private static BlobClientOptions Options()
    {
        var options = new BlobClientOptions
        {
            Transport = new HttpClientTransport(new HttpClient(new SocketsHttpHandler
            {
                ConnectTimeout = TimeSpan.FromSeconds(10),
                // An address that changes is noticed.
                PooledConnectionLifetime = TimeSpan.FromMinutes(10),
                AllowAutoRedirect = false,
                UseCookies = false,
            })
            {
                Timeout = Timeout.InfiniteTimeSpan,
            }),
        };
        // About two seconds of retries where nobody listens: a device that waits gives up after 30.
        options.Retry.Mode = RetryMode.Exponential;
        options.Retry.MaxRetries = 3;
        options.Retry.Delay = TimeSpan.FromMilliseconds(250);
        options.Retry.MaxDelay = TimeSpan.FromSeconds(4);
        options.Retry.NetworkTimeout = TimeSpan.FromSeconds(60);
        // The addresses have signatures in them.
        options.Diagnostics.IsLoggingEnabled = false;
        options.Diagnostics.IsDistributedTracingEnabled = false;
        options.Diagnostics.IsTelemetryEnabled = false;
        return options;
    }
}
