namespace Ota.Agent;

/// <summary>How an attempt to fetch an image ended.</summary>
internal enum DownloadResult
{
    /// <summary>Every chunk is in the slot and was read back.</summary>
    Done,

    /// <summary>The network or the server failed; what arrived so far stays good.</summary>
    Interrupted,

    /// <summary>A whole chunk arrived, or was read back, that is not the one the developer signed.</summary>
    WrongBytes,
}

/// <summary>
/// Brings an image into a slot chunk by chunk. The slot itself is the resume point: a chunk counts once it was written
/// and read back, so after a power cut the good ones are found by looking, and no record is written on the way.
/// </summary>
internal sealed class ImageDownload
{
    private const int MostRedirects = 3;

    // Seconds a chunk may take: of the smallest, 34 bytes a second. What is slower is tried again later.
    private const int LongestChunk = 120;

    private readonly ServerLink _server;
    private readonly ISlot _slot;
    private readonly ReleaseStatement _release;
    private readonly string _address;

    public ImageDownload(ServerLink server, ISlot slot, ReleaseStatement release, string address)
    {
        _server = server;
        _slot = slot;
        _release = release;
        _address = address;
        Good = SlotImage.GoodChunks(slot, release);
    }

    /// <summary>Chunks from the first on that are in the slot and whole.</summary>
    public int Good { get; private set; }

    public int Percent => Good * 100 / _release.ChunkCount;

    /// <summary>Fetches what is missing.</summary>
    /// <param name="range">
    /// False to ask for the whole image and skip what is there, for a server whose ranges cannot be trusted.
    /// </param>
    /// <exception cref="StorageFaultException">The slot refused a chunk.</exception>
    public DownloadResult Run(bool range)
    {
        if (Good == _release.ChunkCount)
            return DownloadResult.Done;
        var from = range ? Good * _release.ChunkSize : 0;
        try
        {
            using (var answer = Open(from))
                return Fetch(answer, from);
        }
        catch (HttpFaultException)
        {
            return DownloadResult.Interrupted;
        }
    }

    private IHttpAnswer Open(int from)
    {
        var address = _address;
        for (var left = MostRedirects; ; left--)
        {
            var answer = _server.Get(address, from);
            var location = answer.Header("Location");
            var redirected = answer.Status >= 301 && answer.Status <= 308 && answer.Status != 304;
            if (left == 0 || !redirected || string.IsNullOrEmpty(location))
                return answer;
            answer.Dispose();
            if (location.StartsWith("/") && !address.StartsWith("/"))
                location = Origin(address) + location;
            address = location;
        }
    }

    private static string Origin(string address)
    {
        var host = address.IndexOf("//");
        var path = host < 0 ? -1 : address.IndexOf('/', host + 2);
        return path < 0 ? address : address.Substring(0, path);
    }

    private DownloadResult Fetch(IHttpAnswer answer, int from)
    {
        var start = answer.Status == 200 ? 0
            : answer.Status == 206 && StartsAt(answer.Header("Content-Range"), from) ? from
            : -1;
        if (start < 0)
            return DownloadResult.Interrupted;

        // A page is no image, and a body of another length is somebody else's: a captive portal's, most likely.
        var type = answer.Header("Content-Type");
        if (type != null && type.StartsWith("text/html"))
            return DownloadResult.Interrupted;
        var announced = answer.Header("Content-Length");
        if (announced != null && announced != (_release.Size - start).ToString())
            return DownloadResult.Interrupted;

        var patience = _server.PatienceOf(LongestChunk);
        var chunk = new byte[_release.LengthOf(0)];
        for (var i = start / _release.ChunkSize; i < _release.ChunkCount; i++)
        {
            if (chunk.Length != _release.LengthOf(i))
                chunk = new byte[_release.LengthOf(i)];
            patience.Renew();
            if (!Fill(answer, chunk, patience))
                return DownloadResult.Interrupted;
            if (i == Good && !Keep(chunk))
                return DownloadResult.WrongBytes;
        }

        return DownloadResult.Done;
    }

    // What is there already is skipped; what is new counts once it was read back.
    private bool Keep(byte[] chunk)
    {
        if (!_release.ChunkFits(Good, chunk))
            return false;
        var offset = Good * _release.ChunkSize;
        _slot.Write(offset, chunk);
        if (!_slot.Read(offset, chunk) || !_release.ChunkFits(Good, chunk))
            return false;
        Good++;
        return true;
    }

    private static bool StartsAt(string contentRange, int from) =>
        contentRange != null && contentRange.StartsWith("bytes " + from.ToString() + "-");

    private static bool Fill(IHttpAnswer answer, byte[] chunk, Patience patience)
    {
        for (var count = 0; count < chunk.Length;)
        {
            var read = answer.Read(chunk, count, chunk.Length - count);
            if (read <= 0)
                return false;
            patience.Check();
            count += read;
        }

        return true;
    }
}
