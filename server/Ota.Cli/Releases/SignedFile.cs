using Ota.Cli.Session;

namespace Ota.Cli.Releases;

/// <summary>An image with what the device's own updater verifies behind it.</summary>
internal static class SignedFile
{
    /// <summary>The image itself when there is nothing to stand behind it, else a file with both.</summary>
    /// <param name="tail">What is to stand behind the image.</param>
    /// <param name="kept">Where that file stays; null for one that goes when it is closed.</param>
    public static async Task<FileStream> WithAsync(FileStream image, byte[] tail, string? kept, CancellationToken cancellation)
    {
        if (tail.Length == 0)
            return image;
        var path = kept ?? Path.GetTempFileName();
        try
        {
            var both = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.ReadWrite,
                BufferSize = 0,
                Options = FileOptions.Asynchronous | (kept is null ? FileOptions.DeleteOnClose : FileOptions.None),
            });
            image.Position = 0;
            await image.CopyToAsync(both, cancellation);
            await both.WriteAsync(tail, cancellation);
            await both.FlushAsync(cancellation);
            both.Position = 0;
            return both;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw FailureException.Usage($"{path} cannot be written: {fault.Message}");
        }
    }
}
