using System.Text;
using System.Text.Json;
using Ota.Signing;
using DeveloperStatement = Ota.Signing.ReleaseStatement;

namespace Ota.Agent.Tests.Lab;

/// <summary>A signed release with its image, made by the developer's own library.</summary>
internal sealed record Build(string Statement, byte[] Image)
{
    public string Hash => Signing.Jws.HashOf(Statement);

    public static byte[] ImageOf(string content, int size = 10_000)
    {
        var image = new byte[size];
        for (var i = 0; i < size; i++)
            image[i] = (byte)(i * 31 + content.Length + i / 256);
        Encoding.ASCII.GetBytes(content).CopyTo(image, 0);
        return image;
    }

    public static Build Of(string version, int counter = 1, string? content = null, int size = 10_000)
    {
        var image = ImageOf(content ?? "image " + version, size);
        return Of(Stated(version, counter, image), image);
    }

    public static Build Recovery(string content = "recovery", int counter = 1)
    {
        var image = ImageOf(content);
        return Of(Stated("0.9.0", counter, image) with { Kind = DeveloperStatement.RecoveryKind }, image);
    }

    public static Build Of(DeveloperStatement statement, byte[] image) =>
        new(statement.Sign(Vectors.ReleaseKey), image);

    public static DeveloperStatement Stated(string version, int counter, byte[] image)
    {
        using var digests = new ImageDigests(image.Length);
        digests.Append(image);
        return new DeveloperStatement(
            "thermostat",
            version,
            DeveloperStatement.ApplicationKind,
            ["virtual"],
            counter,
            OrderDraft.Issued,
            digests.Describe("raw"));
    }
}

/// <summary>An order as the server writes it; <c>with</c> makes the forged ones.</summary>
internal sealed record OrderDraft(string Action, long Number, string? Release)
{
    public const long Issued = 1767225600;

    public string Device { get; init; } = Vectors.Identity.Device;

    public string Deployment { get; init; } = "51";

    public long Expires { get; init; } = Issued + 86_400;

    public byte[] Payload()
    {
        var payload = new Dictionary<string, object>
        {
            ["device"] = Device,
            ["number"] = Number,
            ["action"] = Action,
            ["deployment"] = Deployment,
        };
        if (Release is not null)
            payload["release"] = Release;
        payload["issued"] = Issued;
        payload["expires"] = Expires;
        return JsonSerializer.SerializeToUtf8Bytes(payload);
    }

    public string Sign() => Sign(Vectors.Identity.OrderKey);

    public string Sign(byte[] orderKey) => Signing.Jws.SignHs256(JwsKind.Order, Payload(), orderKey);
}
