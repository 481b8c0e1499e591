using Microsoft.Win32.SafeHandles;

namespace Ota.Server.Images;

/// <summary>Moves bytes from disk to a client without holding the image in memory.</summary>
internal static class ImageBody
{
    // Measured on loopback with an image of 1 MiB and 64 connections, in turns with nginx and its sendfile: this loop
    // reaches 0.45 to 0.56 of its rate with blocks of 64 KiB (less with 16, no more with 128 or 256),
    // HttpResponse.SendFileAsync 0.30 to 0.40. Files are not kept open between requests: with ranges of 4 KiB, where
    // that would show most, it is 0.6 to 0.9. Kestrel's response buffer holds about this much for a client that reads
    // slowly.
    private const int Block = 64 * 1024;

    /// <summary>Sends a part of a file; ends quietly when the client has gone away.</summary>
    public static async Task SendAsync(HttpContext context, SafeFileHandle file, long offset, long length)
    {
        var body = context.Response.BodyWriter;
        for (var end = offset + length; offset < end;)
        {
            var wanted = (int)Math.Min(Block, end - offset);
            // Not asynchronous on purpose: almost always a copy from the page cache, which a detour through the thread
            // pool would only delay.
            var read = RandomAccess.Read(file, body.GetMemory(wanted).Span[..wanted], offset);
            // Broken infrastructure: the exception makes Kestrel log it and cut the connection, so that the client
            // cannot take what came for the whole.
            if (read == 0)
                throw new InvalidDataException($"An image's file ends {end - offset} bytes before it should.");

            body.Advance(read);
            offset += read;
            // No token: a flush to a client that has gone completes by itself, without an exception to log.
            if ((await body.FlushAsync(CancellationToken.None)).IsCompleted)
            {
                // Or Kestrel, which may learn of it later than we do, complains of the bytes that are missing.
                context.Abort();
                return;
            }
        }
    }
}
