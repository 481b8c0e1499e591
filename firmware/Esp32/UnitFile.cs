using System;
using System.Collections;
using System.IO;
using System.Text;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// What the factory wrote for this unit: one UTF-8 text file of <c>name = value</c> lines (firmware/README.md lists the
/// names), then, from the first line that begins with <c>-----BEGIN</c> on, the server's CA certificate as PEM.
/// </summary>
internal sealed class UnitFile
{
    public const string Path = "I:\\unit.txt";

    private readonly Hashtable _values = new Hashtable();
    private readonly ArrayList _releaseKeys = new ArrayList();

    private UnitFile(string text)
    {
        var certificate = text.IndexOf("-----BEGIN");
        Certificate = certificate < 0 ? null : text.Substring(certificate);
        var lines = (certificate < 0 ? text : text.Substring(0, certificate)).Split(new[] { '\n' });
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            var equals = line.IndexOf('=');
            if (equals <= 0 || line[0] == '#')
                continue;
            var name = line.Substring(0, equals).Trim();
            var value = line.Substring(equals + 1).Trim();
            if (name == "release-key")
                _releaseKeys.Add(value);
            else
                _values[name] = value;
        }
    }

    /// <summary>PEM, or null when the server is reached without TLS.</summary>
    public string Certificate { get; }

    /// <summary>Password of the rescue network and of the console, from the unit's label; empty for none.</summary>
    public string RescuePassword => Text("rescue-password", "");

    public static UnitFile Read()
    {
        var bytes = File.ReadAllBytes(Path);
        return new UnitFile(Encoding.UTF8.GetString(bytes, 0, bytes.Length));
    }

    public string Text(string name, string otherwise) => _values[name] is string value ? value : otherwise;

    /// <summary>A decimal number; <paramref name="otherwise"/> when it is absent or none.</summary>
    public int Number(string name, int otherwise)
    {
        var number = ServerLink.Seconds(Text(name, ""));
        return number < 0 ? otherwise : number;
    }

    public AgentOptions Options(string hardwareId) => new AgentOptions
    {
        Server = Text("server", ""),
        Product = Text("product", ""),
        Hardware = Text("hardware", "esp32"),
        HardwareId = hardwareId,
        EnrollmentKey = Text("enrollment-key", ""),
        PinWait = Number("pin-wait", 0),
        Rescue = Text("rescue-ssid", "").Length == 0
            ? null
            : new Network { Ssid = Text("rescue-ssid", ""), Password = RescuePassword },
    };

    /// <summary>
    /// Takes over the factory's release keys, once: afterwards they change by signed key statements only. Computing R²
    /// takes an interpreter about six seconds for each key.
    /// </summary>
    public void TrustKeysOnce(IRecords records)
    {
        var record = new RecordPair(records, RecordKind.Keys);
        if (record.Read() != null || _releaseKeys.Count == 0)
            return;
        var keys = new RsaKey[_releaseKeys.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            var modulus = Base64Url.Decode((string)_releaseKeys[i]);
            keys[i] = modulus == null ? null : RsaKey.FromModulus(modulus);
            if (keys[i] == null)
                throw new ArgumentException("release-key is no RSA-3072 modulus");
        }

        new TrustedKeys(record).Replace(keys, Number("key-counter", 0), "");
    }
}
