using System.Net;

namespace Ota.Cli.Api;

/// <summary>A file as a request body: streamed from disk in small pieces, its length known beforehand.</summary>
/// <param name="file">Read from its start; stays open.</param>
/// <param name="progress">Told the bytes handed to the network so far.</param>
internal sealed class FileContent(FileStream file, IProgress<long> progress) : HttpContent
{
    private const int PieceSize = 64 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        file.Position = 0;
        var piece = new byte[PieceSize];
        long sent = 0;
        int read;
        while ((read = await file.ReadAsync(piece, cancellationToken)) > 0)
        {
            await stream.WriteAsync(piece.AsMemory(0, read), cancellationToken);
            sent += read;
            progress.Report(sent);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = file.Length;
        return true;
    }
}
