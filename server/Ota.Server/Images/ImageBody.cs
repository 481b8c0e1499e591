namespace Ota.Server.Images;

/// <summary>Moves bytes from the store to a client without holding the image in memory.</summary>
internal static class ImageBody
{
    // Measured on loopback with an image of 1 MiB and 64 connections, in turns with nginx and its sendfile: this loop
    // reaches 0.45 to 0.56 of its rate with blocks of 64 KiB (less with 16, no more with 128 or 256),
    // HttpResponse.SendFileAsync 0.30 to 0.40. Files are not kept open between requests: with ranges of 4 KiB, where
    // that would show most, it is 0.6 to 0.9. Kestrel's response buffer holds about this much for a client that reads
    // slowly.
    private const int Block = 64 * 1024;

    /// <summary>Sends a part of an image; ends quietly when the client has gone away.</summary>
    /// <param name="context">The request; its headers are set.</param>
    /// <param name="image">The part.</param>
    /// <param name="range">Where it is in the whole.</param>
    /// <param name="size">Bytes of the whole.</param>
    /// <param name="handout">Who it goes out to, if that is watched.</param>
    /// <exception cref="StorageUnavailableException">The storage broke off.</exception>
    public static async Task SendAsync(HttpContext context, IImageReader image, RequestedRange range, long size, Handout? handout)
    {
        var body = context.Response.BodyWriter;
        var gone = context.RequestAborted;
        // Only the part that ends the image brings its last byte.
        var (at, end) = (range.First, range.First + range.Length);
        while (at < end)
        {
            var left = end - at;
            var wanted = (int)Math.Min(Block, left);
            int read;
            try
            {
                read = await image.ReadAsync(body.GetMemory(wanted)[..wanted], gone);
            }
            catch (OperationCanceledException) when (gone.IsCancellationRequested)
            {
                return;
            }

            // Broken infrastructure: the exception makes Kestrel log it and cut the connection, so that the client
            // cannot take what came for the whole.
            if (read == 0)
                throw new InvalidDataException($"A stored image ends {left} bytes before it should.");

            if (at + read == size && handout is not null && !await handout.MayEndAsync())
            {
                context.Abort();
                return;
            }

            body.Advance(read);
            // No token: a flush to a client that has gone completes by itself, without an exception to log.
            if ((await body.FlushAsync(CancellationToken.None)).IsCompleted)
            {
                // Or Kestrel, which may learn of it later than we do, complains of the bytes that are missing.
                context.Abort();
                return;
            }

            handout?.Went(at, at + read);
            at += read;
        }

        if (end == size && handout is not null)
            await handout.EndedAsync();
    }
}
