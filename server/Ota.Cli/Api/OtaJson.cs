using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Ota.Cli.Alerts;
using Ota.Cli.Deployments;
using Ota.Cli.Devices;
using Ota.Cli.Images;
using Ota.Cli.Keys;
using Ota.Cli.Pins;
using Ota.Cli.Products;
using Ota.Cli.Recovery;
using Ota.Cli.Releases;
using Ota.Cli.Rollouts;
using Ota.Cli.Serial;
using Ota.Cli.Server;
using Ota.Cli.Session;
using Ota.Cli.Simulate;
using Ota.Cli.Staff;
using Ota.Cli.Units;
using Ota.Cli.Webhooks;
using Ota.Signing;

namespace Ota.Cli.Api;

/// <summary>Every JSON shape this program reads, sends, stores or prints.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(ProblemDocument))]
[JsonSerializable(typeof(StoredSettings))]
[JsonSerializable(typeof(LoginResult))]
[JsonSerializable(typeof(Whoami))]
[JsonSerializable(typeof(KeyFileResult))]
[JsonSerializable(typeof(RotationResult))]
[JsonSerializable(typeof(NewProduct))]
[JsonSerializable(typeof(Product[]))]
[JsonSerializable(typeof(SignalChange))]
[JsonSerializable(typeof(PollChange))]
[JsonSerializable(typeof(RetentionChange))]
[JsonSerializable(typeof(PinsChange))]
[JsonSerializable(typeof(DialectsChange))]
[JsonSerializable(typeof(NewClient))]
[JsonSerializable(typeof(AdoptedClient))]
[JsonSerializable(typeof(PinList))]
[JsonSerializable(typeof(PinChange))]
[JsonSerializable(typeof(PinToken))]
[JsonSerializable(typeof(CloudChange))]
[JsonSerializable(typeof(Cloud))]
[JsonSerializable(typeof(CloudTokenChange))]
[JsonSerializable(typeof(CloudToken))]
[JsonSerializable(typeof(ReleaseStatement))]
[JsonSerializable(typeof(SignedResult))]
[JsonSerializable(typeof(VerifiedResult))]
[JsonSerializable(typeof(Release[]))]
[JsonSerializable(typeof(Inspected))]
[JsonSerializable(typeof(Reason))]
[JsonSerializable(typeof(DropFolderEntry[]))]
[JsonSerializable(typeof(Device[]))]
[JsonSerializable(typeof(DeviceDetail))]
[JsonSerializable(typeof(DeviceEvidence))]
[JsonSerializable(typeof(GroupChange))]
[JsonSerializable(typeof(UnitAsked))]
[JsonSerializable(typeof(RescueNetwork))]
[JsonSerializable(typeof(MadeUnit))]
[JsonSerializable(typeof(NewSite))]
[JsonSerializable(typeof(Site[]))]
[JsonSerializable(typeof(NewBundle))]
[JsonSerializable(typeof(WifiBundle))]
[JsonSerializable(typeof(MadeBundle))]
[JsonSerializable(typeof(UnitStatus))]
[JsonSerializable(typeof(UnitLogLine))]
[JsonSerializable(typeof(ClearedUnit))]
[JsonSerializable(typeof(ProvisionedUnit))]
[JsonSerializable(typeof(VirtualSerialPort))]
[JsonSerializable(typeof(BackedUp))]
[JsonSerializable(typeof(Restored))]
[JsonSerializable(typeof(MovedRows[]))]
[JsonSerializable(typeof(NewDeployment))]
[JsonSerializable(typeof(DeploymentStarted))]
[JsonSerializable(typeof(NewRecovery))]
[JsonSerializable(typeof(NewDecommission))]
[JsonSerializable(typeof(Deployment[]))]
[JsonSerializable(typeof(Rollout[]))]
[JsonSerializable(typeof(NewRollout))]
[JsonSerializable(typeof(RolloutPreview))]
[JsonSerializable(typeof(FollowChange))]
[JsonSerializable(typeof(StepChange))]
[JsonSerializable(typeof(ZoneChange))]
[JsonSerializable(typeof(Alert[]))]
[JsonSerializable(typeof(NewWebhook))]
[JsonSerializable(typeof(Webhook[]))]
[JsonSerializable(typeof(WebhookPing))]
[JsonSerializable(typeof(NewStaff))]
[JsonSerializable(typeof(StaffMember[]))]
[JsonSerializable(typeof(NewPerson))]
[JsonSerializable(typeof(PersonRole))]
[JsonSerializable(typeof(Person[]))]
[JsonSerializable(typeof(AuditEntry[]))]
[JsonSerializable(typeof(SimulatedDevice[]))]
internal sealed partial class OtaJson : JsonSerializerContext
{
    /// <summary>For the wire: what the server reads, and what it answers.</summary>
    public static JsonTypeInfo<T> Wire<T>() => Of<T>(Default);

    /// <summary>For a document that a person may read too.</summary>
    public static JsonTypeInfo<T> Shown<T>() => Of<T>(Printed.Indented);

    /// <summary>For JSON lines.</summary>
    public static JsonTypeInfo<T> Line<T>() => Of<T>(Printed.OneLine);

    private static JsonTypeInfo<T> Of<T>(OtaJson context) =>
        context.GetTypeInfo(typeof(T)) as JsonTypeInfo<T>
        ?? throw new InvalidOperationException($"{typeof(T)} is not listed in {nameof(OtaJson)}.");

    // A class of its own, so that these are made after the generated half of this one.
    private static class Printed
    {
        public static readonly OtaJson Indented = new(Options(indented: true));
        public static readonly OtaJson OneLine = new(Options(indented: false));

        // "Unsafe" is for HTML pages. Here it leaves quotes and letters of every script readable; control characters stay escaped.
        private static JsonSerializerOptions Options(bool indented) => new(Default.GeneratedSerializerOptions!)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            WriteIndented = indented,
        };
    }
}
