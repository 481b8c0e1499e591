using Ota.Server.Alerts;

namespace Ota.Server.Dashboard;

/// <summary>What is wrong with a device now.</summary>
internal sealed record Trouble(AlertKind Kind, DateTimeOffset Since, string Detail)
{
    /// <summary>As a sentence begins.</summary>
    public string Title => AlertWords.Title(Kind);
}

/// <summary>The open alerts, also those that another server raised.</summary>
internal sealed class AlertGlass(AlertWatch alerts, Pulse pulse)
{
    private readonly PerBeat<ILookup<string, Trouble>> _open = new(pulse, () => alerts.AllOpen().ToLookup(
        alert => alert.Device,
        alert => new Trouble(alert.Kind, DateTimeOffset.FromUnixTimeMilliseconds(alert.Open.At), alert.Open.Detail), StringComparer.Ordinal));

    /// <summary>All, by device.</summary>
    public ILookup<string, Trouble> Open => _open.Value;

    /// <summary>Differs whenever those of a device do.</summary>
    public long Mark(string device) => Open[device].Sum(trouble => (long)HashCode.Combine(trouble.Kind, trouble.Since));
}
