using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Secrets;

/// <summary>
/// Somebody's secret in the database: nonce, AES-256-GCM, tag, with a key derived from the master secret, so that a stolen database opens none. What
/// it is of is authenticated with it: a row cannot be taken for another.
/// </summary>
internal static class Sealed
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    public static byte[] Seal(string secret, string of, byte[] key)
    {
        var text = Encoding.UTF8.GetBytes(secret);
        var all = new byte[NonceSize + text.Length + TagSize];
        RandomNumberGenerator.Fill(all.AsSpan(0, NonceSize));
        using var gcm = new AesGcm(key, TagSize);
        gcm.Encrypt(all.AsSpan(0, NonceSize), text, all.AsSpan(NonceSize, text.Length), all.AsSpan(^TagSize), Encoding.UTF8.GetBytes(of));
        CryptographicOperations.ZeroMemory(text);
        return all;
    }

    public static string Open(byte[] all, string of, byte[] key)
    {
        var text = new byte[all.Length - NonceSize - TagSize];
        using var gcm = new AesGcm(key, TagSize);
        gcm.Decrypt(all.AsSpan(0, NonceSize), all.AsSpan(NonceSize, text.Length), all.AsSpan(^TagSize), text, Encoding.UTF8.GetBytes(of));
        return Encoding.UTF8.GetString(text);
    }
}
