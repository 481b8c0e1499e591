using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

// What holds on the embedded database holds on PostgreSQL: the same tests on a database of their own.

public sealed class DeploymentLifeOnPostgreSqlTests : CheckIns.DeploymentLifeTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class HandOverOnPostgreSqlTests : CheckIns.HandOverTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class DeviceNamesOnPostgreSqlTests : Devices.DeviceNamesTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class EvidenceOnPostgreSqlTests : Evidence.EvidenceTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class KeyRotationOnPostgreSqlTests : Products.KeyRotationTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class BundleOnPostgreSqlTests : Provisioning.BundleTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class DecommissionOnPostgreSqlTests : Recovery.DecommissionTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class RecoveryOnPostgreSqlTests : Recovery.RecoveryTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class UnitOnPostgreSqlTests : Recovery.UnitTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class UploadOnPostgreSqlTests : Releases.UploadTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class RolloutOnPostgreSqlTests : Rollouts.RolloutTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class DenyByDefaultOnPostgreSqlTests : Staff.DenyByDefaultTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class StagedRolloutOnPostgreSqlTests : Rollouts.StagedRolloutTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class PinOnPostgreSqlTests : Pins.PinTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class RolloutReturnOnPostgreSqlTests : Rollouts.RolloutReturnTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class SystemPinOnPostgreSqlTests : Pins.SystemPinTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class RolloutHoursOnPostgreSqlTests : Rollouts.RolloutHoursTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class RolloutStormOnPostgreSqlTests : Rollouts.RolloutStormTests
{
    public override Task A_device_has_one_open_deployment_at_most_and_none_before_its_wave(int seed)
    {
        RunningServer.UsePostgreSql();
        return base.A_device_has_one_open_deployment_at_most_and_none_before_its_wave(seed);
    }
}

public sealed class BlynkHttpOnPostgreSqlTests : Dialects.Blynk.BlynkHttpTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class EspUpdaterOnPostgreSqlTests : Dialects.EspUpdaterTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class BlynkUpdateOnPostgreSqlTests : Dialects.Blynk.BlynkUpdateTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class PullClientOnPostgreSqlTests : Dialects.PullClientTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class BlynkCloudOnPostgreSqlTests : Dialects.Blynk.BlynkCloudTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class TwoStepOnPostgreSqlTests : Dialects.TwoStepTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class ClientRolloutOnPostgreSqlTests : Dialects.ClientRolloutTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class HawkbitOnPostgreSqlTests : Dialects.HawkbitTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class TellingOnPostgreSqlTests : Dialects.TellingTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class HawkbitRefusalOnPostgreSqlTests : Dialects.HawkbitRefusalTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class MenderOnPostgreSqlTests : Dialects.MenderTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class ProviderOnPostgreSqlTests : People.ProviderTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class ProviderAttackOnPostgreSqlTests : People.ProviderAttackTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}

public sealed class TimelineRetentionOnPostgreSqlTests : Devices.TimelineRetentionTests
{
    public override ValueTask InitializeAsync()
    {
        RunningServer.UsePostgreSql();
        return base.InitializeAsync();
    }
}
