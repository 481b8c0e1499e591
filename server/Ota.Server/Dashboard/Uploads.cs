using System.Text;
using Microsoft.AspNetCore.Components.Forms;
using Ota.Server.Http;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Settings;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Dashboard;

/// <summary>What became of an upload: the release, or why not.</summary>
internal sealed record Uploaded(Release? Release, string? Refusal);

/// <summary>Takes a build from the browser by the same door as every other: the statement first, then the image as it comes.</summary>
internal sealed class Uploads(Deeds deeds, ProductCatalog products, ReleaseIntake intake, ServerSettings settings)
{
    /// <param name="files">Two: the statement that 'ota sign' wrote, and the image.</param>
    /// <param name="progress">Called with the share of the image that has come, 0 to 1.</param>
    public async Task<Uploaded> TakeAsync(IReadOnlyList<IBrowserFile> files, string channel, Action<double> progress, CancellationToken cancellation)
    {
        if (await deeds.MayAsync(StaffRole.Developer) is not { } user)
            return Refused("Your role may not do that.");
        var statements = files.Where(file => file.Name.EndsWith(".jws", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (files.Count != 2 || statements is not [var statement])
            return Refused("Drop two files together: the statement that 'ota sign' wrote (it ends in .jws), and the image.");
        if (statement.Size > Jws.MaximumLength)
            return Refused($"{statement.Name} is no release statement: it is longer than {Jws.MaximumLength} characters.");
        if (Names.Fault(channel) is { } fault)
            return Refused("The channel " + fault);
        using var reader = new StreamReader(statement.OpenReadStream(Jws.MaximumLength, cancellation), Encoding.ASCII);
        var compact = (await reader.ReadToEndAsync(cancellation)).Trim();
        var refusals = new List<string>();
        foreach (var product in products.All())
        {
            if (intake.CheckStatement(product, compact, out var refusal) is { } verified)
                return await TakeAsync(product, verified, files.First(file => file != statement), channel, user.Who(), progress, cancellation);
            if (refusal!.Name != "statement")
                refusals.Insert(0, refusal.Reason);
            else
                refusals.Add(refusal.Reason);
        }

        return Refused(refusals.FirstOrDefault() ?? "There is no product yet.");
    }

    private async Task<Uploaded> TakeAsync(
        Product product, VerifiedStatement verified, IBrowserFile image, string channel, string who, Action<double> progress, CancellationToken cancellation)
    {
        if (image.Size > settings.MaximumImageSize)
            return Refused($"{image.Name} has {image.Size} bytes; this server takes at most {settings.MaximumImageSize}.");
        try
        {
            await using var bytes = new CountedStream(
                image.OpenReadStream(settings.MaximumImageSize, cancellation), read => progress((double)read / Math.Max(1, image.Size)));
            var result = await intake.TakeAsync(product, verified, bytes, channel, who, cancellation);
            return result switch
            {
                { Refusal: { } refusal } => Refused(refusal.Reason),
                { Release: { Withdrawn: not null } withdrawn } =>
                    Refused($"{withdrawn.Product} {withdrawn.Version} was withdrawn; give this build a version of its own."),
                { Release: { } release } => new Uploaded(release, null),
                _ => throw new InvalidOperationException("An intake came to nothing."),
            };
        }
        catch (StorageFullException)
        {
            return Refused("The server's disk is full; nothing was kept of this build.");
        }
        catch (StorageUnavailableException)
        {
            return Refused("The image storage is out of reach; nothing was kept of this build.");
        }
    }

    private static Uploaded Refused(string why) => new(null, why);

    // Reads on, and says how far it has come.
    private sealed class CountedStream(Stream inner, Action<long> told) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position
        {
            get => _read;
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            told(_read += count);
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
            // It is only read.
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
