using System.Buffers.Binary;
using System.Security.Cryptography;
using Ota.Cli.Keys;
using Ota.Cli.Session;
using Ota.Images;

namespace Ota.Cli.Images;

/// <summary>
/// What an updater that is not ours verifies by itself, against a key in the firmware that runs (docs/dialects.md): a signature behind the image.
/// </summary>
internal static class DeviceSignature
{
    public const string Esp8266 = "esp8266-signed";
    public const string Esp32 = "esp32-signed";

    // What the ESP32's updater takes off the end, whatever the key.
    private const int Esp32Room = 512;

    /// <summary>The format of the image in a statement, for one that is asked for with a signature.</summary>
    public static string? PlainOf(string? format) => format switch
    {
        Esp8266 => ImageFacts.Esp8266,
        Esp32 => ImageFacts.Esp32,
        _ => null,
    };

    /// <summary>What is to stand behind the image.</summary>
    /// <param name="format">One of the two.</param>
    /// <param name="image">Read from its start.</param>
    public static async Task<byte[]> MakeAsync(Call call, string format, string keyFile, Stream image, CancellationToken cancellation)
    {
        var pem = LocalFile.Text(keyFile);
        if (!KeyFiles.IsPrivate(pem))
        {
            throw FailureException.Usage(
                $"{keyFile} is not a PEM private key; signing for the device needs the one whose public half its firmware has.");
        }

        if (PrivateFile.IsReadableByOthers(keyFile))
            call.Screen.Warn($"other users can read {keyFile}; chmod 600 it.");
        var password = KeyFiles.IsEncrypted(pem) ? await KeyPassword.OfAsync(call, keyFile, cancellation) : null;
        image.Position = 0;
        var hash = await SHA256.HashDataAsync(image, cancellation);
        if (Open(RSA.Create(), pem, password) is { } rsa)
        {
            using (rsa)
                return format == Esp8266 ? Esp8266Tail(rsa, hash, keyFile) : Esp32Tail(rsa, hash, keyFile);
        }

        if (Open(ECDsa.Create(), pem, password) is not { } curve)
        {
            throw FailureException.Usage(
                password is null ? $"{keyFile} cannot be read as a private key in PEM." : $"The password does not open {keyFile}.");
        }

        using (curve)
        {
            if (format == Esp8266 || curve.KeySize is not (256 or 384))
            {
                throw FailureException.Usage(
                    format == Esp8266 ? "The ESP8266's updater verifies RSA only." : $"{keyFile} is of another curve than P-256 and P-384.");
            }

            return Padded(curve.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence));
        }
    }

    // esp8266/Arduino, tools/signing.py and cores/esp8266/Updater.cpp: PKCS #1 v1.5, then its length.
    private static byte[] Esp8266Tail(RSA key, byte[] hash, string keyFile)
    {
        Sized(key, keyFile);
        var signature = key.SignHash(hash, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var tail = new byte[signature.Length + sizeof(uint)];
        signature.CopyTo(tail, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(signature.Length), (uint)signature.Length);
        return tail;
    }

    // espressif/arduino-esp32, tools/bin_signing.py and Updater_Signing.cpp: PSS with the longest salt; with a shorter one it does not verify.
    private static byte[] Esp32Tail(RSA key, byte[] hash, string keyFile)
    {
        Sized(key, keyFile);
        return Padded(LongestSaltPss.Sign(key, hash));
    }

    private static void Sized(RSA key, string keyFile)
    {
        if (key.KeySize is not (2048 or 3072 or 4096))
            throw FailureException.Usage($"{keyFile} has {key.KeySize} bits; a device's updater takes RSA keys of 2048, 3072 or 4096.");
    }

    private static byte[] Padded(byte[] signature)
    {
        var tail = new byte[Esp32Room];
        signature.CopyTo(tail, 0);
        return tail;
    }

    // Null when it is a key of another kind, or the password is wrong.
    private static T? Open<T>(T key, string pem, string? password)
        where T : AsymmetricAlgorithm
    {
        try
        {
            if (password is null)
                key.ImportFromPem(pem);
            else
                key.ImportFromEncryptedPem(pem, password);
            return key;
        }
        catch (Exception fault) when (fault is ArgumentException or CryptographicException)
        {
            key.Dispose();
            return null;
        }
    }
}
