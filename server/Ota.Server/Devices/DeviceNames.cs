using System.Collections.Immutable;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;

namespace Ota.Server.Devices;

/// <summary>
/// Devices by what people call them: a label says <c>24-6F-28-AA-3F-10</c> where the hardware said <c>24:6f:28:aa:3f:10</c>. Only for staff: a
/// device enrolls under its hardware id exactly.
/// </summary>
internal sealed class DeviceNames
{
    private readonly DeviceIndex _byPlainName = new(device => device.PlainName);

    /// <summary>Without case and without the separators that differ from label to label.</summary>
    public static string Plain(string name)
    {
        if (!name.AsSpan().ContainsAny(":-.") && !name.Any(char.IsAsciiLetterUpper))
            return name;
        return string.Concat(name.Where(c => c is not (':' or '-' or '.')).Select(char.ToLowerInvariant));
    }

    public void Add(Device device) => _byPlainName.Add(device);

    /// <summary>The device of a product that the hardware enrolled as, letter by letter.</summary>
    public Device? Find(string product, string hardwareId) =>
        _byPlainName.FindAll(Plain(hardwareId)).FirstOrDefault(device => device.HardwareId == hardwareId && device.Product == product);

    /// <summary>Whose hardware id this is; those that have it letter by letter, if there are such.</summary>
    public ImmutableArray<Device> Find(string name)
    {
        ImmutableArray<Device> alike = [.. _byPlainName.FindAll(Plain(name))];
        return alike.Any(device => device.HardwareId == name) ? alike.RemoveAll(device => device.HardwareId != name) : alike;
    }
}

/// <summary>The device a person means, or the problem that says why there is none.</summary>
internal static class NamedDevice
{
    /// <param name="name">An id or a hardware id.</param>
    /// <param name="product">Only devices of this product; null for any.</param>
    public static Device? One(this Fleet fleet, string name, out ProblemHttpResult? problem, string? product = null)
    {
        ImmutableArray<Device> named = [.. fleet.Named(name).Where(device => product is null || device.Product == product)];
        problem = named switch
        {
            [_] => null,
            [] => Problems.NotFound(product is null ? "device" : $"device of product '{product}' called", name),
            _ => Problems.Conflict("ambiguous-device",
                $"{named.Length} devices are called that: "
                + string.Join(", ", named.Take(5).Select(device => $"{device.Id} ({device.HardwareId}, {device.Product})"))
                + ". Name one by its id."),
        };
        return problem is null ? named[0] : null;
    }
}
