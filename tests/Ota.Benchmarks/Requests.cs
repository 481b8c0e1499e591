using System.Text;

namespace Ota.Benchmarks;

/// <summary>Requests in a file, as <c>prepared.lua</c> reads them.</summary>
internal static class Requests
{
    /// <summary>The path.</summary>
    public static async Task<string> PrepareAsync(string path, IEnumerable<byte[]> requests)
    {
        await using var file = File.Create(path);
        foreach (var request in requests)
        {
            await file.WriteAsync(Encoding.ASCII.GetBytes($"{request.Length}\n"));
            await file.WriteAsync(request);
        }

        return path;
    }
}
