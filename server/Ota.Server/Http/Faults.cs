using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Data.Sqlite;
using Npgsql;
using Ota.Server.Data;
using Ota.Server.Images;

namespace Ota.Server.Http;

/// <summary>What became an exception, told as a problem: the caller's fault by name, ours without particulars.</summary>
internal sealed partial class Faults(ILogger<Faults> logger) : IExceptionHandler
{
    private const int SqliteFull = 13;

    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
            return true;
        await Problems.WriteAsync(context, Told(exception, context));
        return true;
    }

    private ProblemHttpResult Told(Exception exception, HttpContext context)
    {
        switch (exception)
        {
            case BadHttpRequestException { StatusCode: 413 }:
                return Problems.Of(413, "too-large", "The request is too large", "Send less at once; docs/protocol.md gives the limits.");
            case BadHttpRequestException { StatusCode: 415 }:
                return Problems.Of(415, "content-type", "Wrong content type", "This call takes application/json.");
            case BadHttpRequestException bad:
                return Problems.Of(bad.StatusCode, "invalid", "The request is not valid", Reason(bad));
            case StorageFullException or SqliteException { SqliteErrorCode: SqliteFull }:
                Log.StorageFull(logger);
                return Problems.Full();
            case StaleException:
                return Problems.Of(409, "changed", "That conflicts with what is there", "Another server changed this again and again meanwhile. Ask again.");
            case NpgsqlException { SqlState: PostgresErrorCodes.DiskFull }:
                Log.StorageFull(logger);
                return Problems.Full();
            case PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire }:
                return Problems.Of(400, "invalid", "The request is not valid", "A text in it has a zero character (U+0000), which cannot be kept.");
            case DatabaseGoneException:
                Log.NoDatabase(logger, exception.Message);
                context.Response.Headers.RetryAfter = "5";
                return Problems.Of(503, "database", "The database does not answer", "Nothing of this request is known to be kept. Ask again in a few seconds.");
            case StorageUnavailableException unavailable:
                Log.StorageUnavailable(logger, unavailable.Reason);
                context.Response.Headers.RetryAfter = "30";
                return Problems.Unavailable();
            default:
                Log.Failed(logger, exception, context.Request.Method, context.GetEndpoint()?.DisplayName ?? "?");
                return Problems.Of(500, "internal", "The server failed", "Nothing of this request was kept. The server's log has the reason.");
        }
    }

    // The framework's own words name our variables and are meant for us.
    private static string Reason(BadHttpRequestException bad)
    {
        if (bad.InnerException is System.Text.Json.JsonException json)
            return $"The body is not the JSON this call takes (at '{json.Path ?? "$"}', line {json.LineNumber ?? 0}).";
        return bad.Message.Contains("body", StringComparison.OrdinalIgnoreCase)
            ? "This call takes a body of JSON (Content-Type: application/json), and there was none; {} is the least."
            : "A parameter or the body could not be read; /docs lists the calls and what they take.";
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The disk is full; a request was refused.")]
        public static partial void StorageFull(ILogger logger);

        [LoggerMessage(3, LogLevel.Error, "The database does not answer: {Reason}")]
        public static partial void NoDatabase(ILogger logger, string reason);

        [LoggerMessage(2, LogLevel.Error, "{Method} {Endpoint} failed.")]
        public static partial void Failed(ILogger logger, Exception exception, string method, string endpoint);

        [LoggerMessage(4, LogLevel.Error, "The image storage is out of reach; a request was refused: {Reason}.")]
        public static partial void StorageUnavailable(ILogger logger, string reason);
    }
}
