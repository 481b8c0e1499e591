using Ota.Server.Alerts;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Evidence;
using Ota.Server.Pins;

namespace Ota.Server.Telemetry;

/// <summary>What is looked up when somebody measures: sizes and depths. Made once the state is in memory.</summary>
internal sealed class Gauges
{
    public Gauges(Meters meters, Fleet fleet, Database database, WriteBehind lastSeen, SampleLog samples, AlertWatch alerts, SystemPinWriter pins)
    {
        meters.Watch("ota.devices", "{device}", "Devices that are enrolled.", () => fleet.Count);
        meters.WatchQueues(new Dictionary<string, Func<long>>
        {
            ["database"] = () => database.Waiting,
            ["last-seen"] = () => lastSeen.Waiting,
            ["samples"] = () => samples.Waiting,
            ["alerts"] = () => alerts.Waiting,
            ["pins"] = () => pins.Waiting,
        });
    }
}
