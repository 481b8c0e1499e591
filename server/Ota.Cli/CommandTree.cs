using System.CommandLine;
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

namespace Ota.Cli;

/// <summary>All commands, as they are listed by <c>ota --help</c>.</summary>
internal static class CommandTree
{
    // "@file" is a legal argument (release notes), not a file of arguments.
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    public static RootCommand Root()
    {
        var root = new RootCommand(
            """
            Signed builds out to devices you will never visit, and back again.

            Exit codes: 0 done, 1 refused by the server or not verified, 2 wrong usage or a bad local file, 3 no answer from the
            server, 130 interrupted.
            """)
        {
            Login.Command,
            Login.WhoamiCommand,
            new Command("keys", "Release keys: made, shown and rotated here, never uploaded.")
            {
                NewKey.Command, ShowKey.Command, RotateKeys.Command,
            },
            new Command("product", "What builds are for.")
            {
                AddProduct.Command, ListProducts.Command, ShowProduct.Command, SetPoll.Command, SetSignal.Command,
                FollowChannel.Command, SetRetention.Command, SetPins.Command, SetDialects.Command, SetBlynkCloud.Command,
            },
            new Command("release", "Signed builds.")
            {
                PushRelease.Command, ListReleases.Command, ShowRelease.Command, VerifyRelease.Command, WithdrawRelease.Command,
                SetStep.Command, ShowDropFolder.Command,
            },
            SignRelease.Command,
            new Command("image", "Images before they are releases.") { PackImage.Command, InspectImage.Command },
            Deploy.Command,
            new Command("deployment", "One release ordered for one device.") { ListDeployments.Command, CancelDeployment.Command },
            new Command("rollout", "A release out to many devices, in waves.")
            {
                StartRollout.Start, StartRollout.Plan, RolloutStatus.Command, ListRollouts.List, ListRollouts.Show, SteerRollout.Pause,
                SteerRollout.Resume, SteerRollout.Advance, SteerRollout.Return, SteerRollout.Abort,
            },
            RecoverDevice.Command,
            DecommissionDevice.Decommission,
            new Command("device", "Units in the field.")
            {
                ListDevices.Command, ShowDevice.Command, ShowEvidence.Command, WatchDevices.Command, MoveDevice.Command, SetZone.Command,
                AdoptDevice.Command, HandOverDevice.Command, DecommissionDevice.Transfer,
                BlynkCloudToken.Command,
            },
            new Command("pin", "Virtual pins: values that apps, devices and the server write for one another.")
            {
                DevicePins.Set, DevicePins.Get, DevicePins.Watch, DevicePins.Token,
            },
            new Command("unit", "Units on their way out of the factory.") { NewUnit.Command, ShowLabel.Command },
            new Command("site", "Places whose Wi-Fi is known.") { Sites.Add, Sites.List, Sites.Remove },
            ProvisionDevice.Command,
            Cable.Command,
            new Command("alert", "What is wrong with devices.") { ListAlerts.Command },
            new Command("webhook", "Who is told of alerts and of how deployments end.")
            {
                Webhooks.Webhooks.Add, Webhooks.Webhooks.List, Webhooks.Webhooks.Remove, Webhooks.Webhooks.Test,
            },
            new Command("staff", "Staff keys, for admins.") { StaffKeys.Add, StaffKeys.List, StaffKeys.Revoke },
            People.Command,
            ShowAudit.Command,
            DataFolder.Command,
            Simulate.Simulate.Command,
            GlobalOptions.Server,
            GlobalOptions.StaffKey,
            GlobalOptions.Json,
        };
        return root;
    }
}
