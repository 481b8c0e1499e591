using Ota.Server.Data;

namespace Ota.Server.Images;

/// <summary>
/// Who is busy with an image's file: uploads that refer to it, or the one that removes it. Never both, or an upload could be acknowledged whose
/// file goes the next moment. Where several servers share the images, so do they the claims.
/// </summary>
internal sealed class ImageClaims(Database database)
{
    private readonly Lock _change = new();
    private readonly Dictionary<string, int> _uploads = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskCompletionSource> _removals = new(StringComparer.Ordinal);
    private readonly HashSet<string> _uploadedSince = new(StringComparer.Ordinal);

    /// <summary>
    /// From here on an upload keeps its image from being removed, also when it is over, until the next call: what was decided before it came
    /// knows nothing of it.
    /// </summary>
    public void Begin()
    {
        lock (_change)
            _uploadedSince.Clear();
    }

    /// <summary>True while an upload refers to it, or when one has since <see cref="Begin"/>.</summary>
    public bool IsUploaded(string sha256)
    {
        lock (_change)
            return _uploads.ContainsKey(sha256) || _uploadedSince.Contains(sha256);
    }

    /// <summary>Held from the statement to the row; waits while the image is being removed.</summary>
    public async Task<IDisposable> ForUploadAsync(string sha256, CancellationToken cancellation)
    {
        while (true)
        {
            Task removed;
            lock (_change)
            {
                if (!_removals.TryGetValue(sha256, out var removal))
                {
                    _uploads[sha256] = _uploads.GetValueOrDefault(sha256) + 1;
                    _uploadedSince.Add(sha256);
                    break;
                }

                removed = removal.Task;
            }

            await removed.WaitAsync(cancellation);
        }

        try
        {
            return new Claim(() => EndUpload(sha256), database.Claim(NameOf(sha256), isShared: true)!);
        }
        catch
        {
            EndUpload(sha256);
            throw;
        }
    }

    /// <summary>Held while the image is marked and its file removed; null when an upload refers to it. One removal of an image at a time.</summary>
    public IDisposable? TryForRemoval(string sha256)
    {
        lock (_change)
        {
            if (_uploads.ContainsKey(sha256) || _uploadedSince.Contains(sha256) || _removals.ContainsKey(sha256))
                return null;
            _removals.Add(sha256, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        IDisposable? claimed = null;
        try
        {
            claimed = database.Claim(NameOf(sha256), isShared: false);
        }
        finally
        {
            if (claimed is null)
                EndRemoval(sha256);
        }

        return claimed is null ? null : new Claim(() => EndRemoval(sha256), claimed);
    }

    private static string NameOf(string sha256) => "image " + sha256;

    private void EndUpload(string sha256)
    {
        lock (_change)
        {
            if (--_uploads[sha256] == 0)
                _uploads.Remove(sha256);
        }
    }

    private void EndRemoval(string sha256)
    {
        TaskCompletionSource removal;
        lock (_change)
            _removals.Remove(sha256, out removal!);
        removal.SetResult();
    }

    private sealed class Claim(Action end, IDisposable others) : IDisposable
    {
        private Action? _end = end;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _end, null) is not { } over)
                return;
            others.Dispose();
            over();
        }
    }
}
