using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Deployments;

namespace Ota.Cli.Devices;

/// <summary>One unit as the server knows it. What a device has not said yet is null.</summary>
internal record Device
{
    public required string Id { get; init; }
    public required string Product { get; init; }
    public string? HardwareId { get; init; }
    public string? Hardware { get; init; }
    public string? Group { get; init; }

    /// <summary>IANA name; null for its product's.</summary>
    public string? Zone { get; init; }

    /// <summary>Null for a client that never told what it runs.</summary>
    public string? Running { get; init; }

    /// <summary>It is only taken to run that: its client does not say it.</summary>
    public bool? RunningAssumed { get; init; }

    /// <summary>Hash of the statement of what it runs.</summary>
    public string? Release { get; init; }

    /// <summary>State of the running slot: <c>trial</c> or <c>confirmed</c>.</summary>
    public string? Slot { get; init; }

    /// <summary>State of its latest deployment; <c>enrolled</c> before the first.</summary>
    public string? State { get; init; }

    public int? SecurityCounter { get; init; }
    public long? LastOrder { get; init; }
    public DateTimeOffset? LastSeen { get; init; }
    public DateTimeOffset? NextCheckIn { get; init; }

    /// <summary>It was not told to ask then: that is what its product's poll lets expect.</summary>
    public bool? NextCheckInExpected { get; init; }
    public DateTimeOffset? Enrolled { get; init; }
    public int? Generation { get; init; }

    /// <summary>It may enroll once more; until it does, the secrets it has are good.</summary>
    public bool? HandOverPending { get; init; }

    /// <summary>dBm; 0 is unknown.</summary>
    public int? Rssi { get; init; }

    /// <summary>Seconds.</summary>
    public long? Uptime { get; init; }

    /// <summary>Bytes.</summary>
    public long? FreeMemory { get; init; }

    public string? RestartCause { get; init; }
    public DateTimeOffset? RestartAt { get; init; }
    public long? Restarts { get; init; }

    /// <summary>How its updater speaks; null for our agent.</summary>
    public string? Dialect { get; init; }

    /// <summary>What it checks of an image: none, md5 or signed.</summary>
    public string? Protection { get; init; }

    /// <summary>Whether a download that was cut goes on where it was.</summary>
    public bool? Resumes { get; init; }

    /// <summary>What it runs, in one cell.</summary>
    [JsonIgnore]
    public string Runs => Running is null ? "-" : RunningAssumed == true ? Running + ", assumed" : Running;
}

internal sealed record TimelineEntry(DateTimeOffset? At, string? Kind, string? Text, string? By);

/// <summary>One unit with all that happened to it.</summary>
internal sealed record DeviceDetail : Device
{
    public IReadOnlyList<TimelineEntry> Timeline { get; init; } = [];
    public IReadOnlyList<Deployment> Deployments { get; init; } = [];

    /// <summary>Its last check-in as it sent it.</summary>
    public JsonElement? LastCheckIn { get; init; }
}

internal sealed record GroupChange(string? Group);

internal static class DeviceCalls
{
    /// <summary>The most devices the server gives at once.</summary>
    public const int PageSize = 1000;

    /// <summary>All pages, one after the other, at most <paramref name="most"/> devices.</summary>
    public static async Task<Device[]> DevicesAsync(this OtaApi api, DeviceFilter filter, int most, CancellationToken cancellation)
    {
        var devices = new List<Device>();
        while (devices.Count < most)
        {
            var size = Math.Min(PageSize, most - devices.Count);
            var path = filter.AddTo(ApiPath.Of($"devices")).With("limit", size).With("after", devices.LastOrDefault()?.Id);
            var page = await api.GetAsync<Device[]>(path, cancellation);
            devices.AddRange(page);
            if (page.Length < size)
                break;
        }

        return [.. devices];
    }
}

internal sealed record DeviceFilter(string? Product, string? Group, string? State, string? Search)
{
    public ApiPath AddTo(ApiPath path) =>
        path.With("product", Product).With("group", Group).With("state", State).With("search", Search);
}
